import type { Test } from 'tap'

/** Puts the process's clock forward, for one test without sockets. */
export const clock = (t: Test) => {
  let now = 1_700_000_000_000
  t.intercept(Date, 'now', { value: () => now })
  return (ms: number) => {
    now += ms
  }
}
