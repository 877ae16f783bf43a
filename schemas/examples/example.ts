import type { HeaderName } from '../headers.ts'
import type { Outcome, ProblemName } from '../problems.ts'

/** One working request of an operation, and what the sandbox answers to it. */
export interface Example {
  /** By the names of the document. An optional parameter that is not named here is left out. */
  parameters?: Parameters
  body?: object
  /** What comes back for each success. */
  replies: Record<number, ExampleReply>
  /** What the operation says of a problem otherwise than others do. */
  problems?: Partial<Record<ProblemName, ProblemExample>>
}

export interface ExampleReply {
  /** The body; undefined where there is none. */
  value?: unknown
  /** The same as lines, where it can be had so: each a member of what is listed, or how the list ends. */
  lines?: readonly object[]
  /** Headers that are this reply's own. */
  headers?: Readonly<Partial<Record<HeaderName, string>>>
  /** What the request has otherwise than in the operation's example, where this status needs it. */
  parameters?: Parameters
  /** JSON pointers to the members that are others at every sandbox and every time: instants and secrets. */
  varies?: string[]
}

/** What a problem tells beside its name: the members of `Problem` that are not the same wherever it happens. */
export interface ProblemExample {
  detail: string
  errors?: { in: 'body' | 'query' | 'path' | 'header'; pointer?: string; parameter?: string; detail: string }[]
  /** Where it is another one than that of a request of which nothing was sent. */
  outcome?: Outcome
  upstream?: { action: string; message: string }
  links?: Record<string, string>
  /** JSON pointers to the members that are others each time. */
  varies?: string[]
}

type Parameters = Record<string, string | number | boolean>

/** A success without a body. */
export const DONE: Record<number, ExampleReply> = { 204: {} }

/** Where it is asked first whose token it is. */
export const UNKNOWN_TOKEN: ProblemExample = {
  detail: 'HOSTKEY refused.',
  upstream: { action: 'info', message: 'Invalid hash' }
}

/** Where nothing else is asked of HOSTKEY than whose credential it is. */
export const NO_LOGINS: ProblemExample = {
  detail: 'HOSTKEY does not answer logins; the credential was not judged.'
}

/** A deletion whose answer was lost is looked for by reading; while no answer came it may still be done. */
export const LOST_DELETION: Partial<Record<ProblemName, ProblemExample>> = {
  'upstream-bad-response': { detail: 'HOSTKEY gave no answer that can be used, and has deleted nothing.' },
  'upstream-timeout': { detail: 'HOSTKEY did not answer in time.', outcome: 'unknown' }
}
