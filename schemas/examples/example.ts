/** One working request of an operation, and what the sandbox answers to it. */
export interface Example {
  /** By the names of the document. An optional parameter that is not named here is left out. */
  parameters?: Parameters
  body?: object
  /** What comes back for each success. */
  replies: Record<number, ExampleReply>
}

export interface ExampleReply {
  /** The body; undefined where there is none. */
  value?: unknown
  /** What the request has otherwise than in the operation's example, where this status needs it. */
  parameters?: Parameters
  /** JSON pointers to the members that are others at every sandbox and every time: instants and secrets. */
  varies?: string[]
}

type Parameters = Record<string, string | number | boolean>

/** A success without a body. */
export const DONE: Record<number, ExampleReply> = { 204: {} }
