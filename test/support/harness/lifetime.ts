/** What a helper starts ends with it: a test of tap's, or the list that a program keeps for itself. */
export interface Lifetime {
  after(end: () => Promise<void>): unknown
}
