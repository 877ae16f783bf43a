/** Milliseconds since 1970. */
export type Clock = () => number

/** Monotonic: starts with the machine's clock and ignores later changes of it. For durations. */
export const elapsedNow: Clock = () => Math.floor(performance.timeOrigin + performance.now())

/**
 * The later of the machine's clock and the monotonic one: for expiry. A clock that is set back does not prolong a life;
 * after a sleep of the machine, when the monotonic clock lags, the machine's clock counts.
 */
export const latestNow: Clock = () => Math.max(Date.now(), elapsedNow())
