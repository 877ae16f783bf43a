import type { Test } from 'tap'

/** Puts the clock forward by which the process tells how long something lasts, for one test without sockets. */
export const clock = (t: Test) => {
  let now = 1_700_000_000_000
  t.intercept(performance, 'now', { value: () => now })
  return (ms: number) => {
    now += ms
  }
}
