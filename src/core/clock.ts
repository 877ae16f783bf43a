/** Milliseconds since 1970. */
export type Clock = () => number

/** Goes on as at the start of the process, whatever the machine's clock is set to: for how long something has lasted. */
export const elapsedNow: Clock = () => Math.floor(performance.timeOrigin + performance.now())

/**
 * Cannot be set back: for what must not live longer than it may. Set forward, it follows the machine's clock, also after
 * a sleep, in which the other stands still; a jump that is taken back leaves nothing behind.
 */
export const latestNow: Clock = () => Math.max(Date.now(), elapsedNow())
