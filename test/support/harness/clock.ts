import type { Test } from 'tap'

/** Advances the monotonic clock of the process, for one test without sockets. */
export const clock = (t: Test) => {
  let now = 1_700_000_000_000
  t.intercept(performance, 'now', { value: () => now })
  return (ms: number) => {
    now += ms
  }
}
