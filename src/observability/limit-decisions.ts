/** What a limit has decided. Plain numbers: counting costs a request nothing. */
export interface Decisions {
  allowed: number
  refused: number
}

/** By the name of the limit. */
export type LimitDecisions = ReadonlyMap<string, Decisions>

export const createLimitDecisions = (limits: readonly string[]): LimitDecisions =>
  new Map(limits.map(limit => [limit, { allowed: 0, refused: 0 }]))
