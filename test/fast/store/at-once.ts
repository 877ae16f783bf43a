import { setImmediate } from 'node:timers/promises'

/**
 * What is answered without waiting for anything: no timer and no socket comes before, however slow the machine is.
 * @returns the answer or the error; 'later' when there is none yet
 */
export const atOnce = (asked: Promise<unknown>): Promise<unknown> =>
  Promise.race([asked.catch((error: unknown) => error), setImmediate('later')])
