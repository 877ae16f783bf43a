/** Ends what a helper has started: a test of tap, or a list of a program. */
export interface Lifetime {
  after(end: () => Promise<void>): unknown
}
