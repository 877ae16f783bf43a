import { setImmediate } from 'node:timers/promises'

/** The value or the error of a promise that settles without a timer or a socket, however slow the machine is; else 'later'. */
export const atOnce = (promise: Promise<unknown>): Promise<unknown> =>
  Promise.race([promise.catch((error: unknown) => error), setImmediate('later')])
