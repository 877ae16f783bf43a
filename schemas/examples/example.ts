import type { HeaderName } from '../headers.ts'
import type { FaultCode, Outcome, ProblemName } from '../problems.ts'
import { meaningOf } from '../refusals.ts'

/** One working request of an operation, and what the sandbox answers to it. */
export interface Example {
  /** By the parameter names of the document. Optional parameters that are missing here are not sent. */
  parameters?: Parameters
  /** Parameters that callers fill in themselves: with all examples filled in, the operation would delete or buy unread. */
  unfilled?: readonly string[]
  /** Members of the body with which the form is refused until its reader changes them. */
  refusedBody?: object
  body?: object
  /** Reply by status, for each success. */
  replies: Record<number, ExampleReply>
  /** Problems whose text differs from `commonProblems` at this operation. */
  problems?: Partial<Record<ProblemName, ProblemExample>>
}

export interface ExampleReply {
  /** Body; undefined when the reply has none. */
  value?: unknown
  /** The body of a stream: one object for each line. */
  lines?: readonly object[]
  /** Headers that only this reply has. */
  headers?: Readonly<Partial<Record<HeaderName, string>>>
  /** Parameters that differ from those of the operation's example. */
  parameters?: Parameters
  /** JSON pointers to members that differ at each run: times and secrets. */
  varies?: string[]
}

/** The members of `Problem` that do not follow from its name. */
export interface ProblemExample {
  detail: string
  errors?: {
    in: 'body' | 'query' | 'path' | 'header'
    pointer?: string
    parameter?: string
    code: FaultCode
    detail: string
  }[]
  /** Only when it differs from the outcome of a request that was not sent. */
  outcome?: Outcome
  upstream?: { action: string; message: string }
  links?: Record<string, string>
  /** JSON pointers to members that differ at each run. */
  varies?: string[]
}

type Parameters = Record<string, string | number | boolean>

/** A success without a body. */
export const DONE: Record<number, ExampleReply> = { 204: {} }

/** At operations that first ask HOSTKEY for the owner of the token. */
export const UNKNOWN_TOKEN: ProblemExample = {
  detail: meaningOf('invalid-token'),
  upstream: { action: 'info', message: 'Invalid hash' }
}

/** No account was found afterwards. */
export const UNPAID: ProblemExample = {
  detail: meaningOf('payment-required'),
  outcome: 'not-applied',
  upstream: { action: 'create_order', message: 'issue service paid' }
}

/** At operations that call HOSTKEY only to check the credential. */
export const NO_LOGINS: ProblemExample = {
  detail: 'HOSTKEY does not answer logins; the credential was not checked.'
}

/** After a lost answer the gateway reads to see whether the target is gone. After a timeout HOSTKEY may still delete it. */
export const LOST_DELETION: Partial<Record<ProblemName, ProblemExample>> = {
  'upstream-bad-response': { detail: 'HOSTKEY sent an invalid response and deleted nothing.' },
  'upstream-timeout': { detail: 'HOSTKEY did not answer in time.', outcome: 'unknown' }
}

/** A name of a bucket that the gateway refuses. */
export const invalidName = (pointer: string): ProblemExample => ({
  detail: 'The name of the bucket is not allowed.',
  errors: [
    {
      in: 'body',
      pointer,
      code: 'pattern',
      detail: '3 to 63 characters: a-z, 0-9, dot, hyphen; begins and ends with a letter or a digit'
    }
  ]
})
