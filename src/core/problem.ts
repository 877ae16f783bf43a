import { type FaultCode, type Outcome, type ProblemName, problems } from '../../schemas/problems.ts'

/** One fault of a request: where it is and what is wrong. */
export interface Fault {
  in: 'body' | 'query' | 'path' | 'header'
  pointer?: string
  parameter?: string
  code: FaultCode
  detail: string
}

/** The text of HOSTKEY's refusal: itself where a declared wording explains it, else the reference under which the log has it. */
export interface UpstreamText {
  action: string
  message?: string
  reference?: string
}

/** Limits of what a caller has at the same time: calls of HOSTKEY, and replies that it reads as a stream. */
export const concurrencyLimits = ['in-flight', 'streams'] as const

export interface ProblemOptions {
  /** Outcome of the write; absent for reads. The edge adds `not-applied` when nothing was sent. */
  outcome?: Outcome
  errors?: Fault[]
  upstream?: UpstreamText
  /** The text behind `upstream.reference`, without credentials. For the log only. */
  upstreamText?: string
  links?: Record<string, string>
  /** Becomes `Retry-After`. */
  retryAfterSeconds?: number
  /** Recorded under the Idempotency-Key: the same key gets the same answer, so it is never retryable. */
  isRecorded?: boolean
  /** Headers of the reply, such as `Allow`. */
  headers?: Record<string, string>
  /** The service whose secret was refused, for the audit log; empty when there is no such service. */
  service?: string
  /** The concurrency limit that was exceeded, for the metrics and the audit log. */
  limit?: (typeof concurrencyLimits)[number]
  /** The origin of a page that may not call, for the log. */
  refusedOrigin?: string
  /** For the log only. */
  cause?: unknown
}

/** The error that the gateway throws on purpose; `http/plugins/errors` turns it into problem+json. */
export class Problem extends Error {
  readonly problem: ProblemName
  readonly status: number
  readonly options: ProblemOptions

  /** @param detail what happened this time, for the caller: no text from outside and no secret */
  constructor(problem: ProblemName, detail: string, options: ProblemOptions = {}) {
    super(detail, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'Problem'
    this.problem = problem
    this.status = problems[problem].status
    this.options = options
  }
}

/** Is this one of the named problems, or any when none is named? */
export const isProblem = (error: unknown, ...names: ProblemName[]): error is Problem =>
  error instanceof Problem && (names.length === 0 || names.includes(error.problem))

/** Was nothing applied, or the token refused? Such a failure is not recorded: the same Idempotency-Key may try again. */
export const isSafeToRepeat = (name: ProblemName): boolean =>
  problems[name].repeat === 'safe' || problems[name].status === 401

/** Adds the outcome to a failed write: `not-applied`, because nothing was sent unless the problem says otherwise. */
export const withOutcome = (problem: Problem, method: string): Problem => {
  if (problem.options.outcome || method === 'GET' || method === 'HEAD') return problem
  const outcome = problem.problem === 'internal' ? 'unknown' : 'not-applied'
  return new Problem(problem.problem, problem.message, { ...problem.options, outcome })
}

/** The body of the reply: the members of RFC 9457 and ours. */
export const problemBody = (problem: Problem, { publicUrl, instance }: { publicUrl: string; instance: string }) => {
  const { title, repeat } = problems[problem.problem]
  const { outcome, errors, upstream, links, isRecorded } = problem.options
  return {
    type: `${publicUrl}/problems/${problem.problem}`,
    name: problem.problem,
    title,
    status: problem.status,
    detail: problem.message,
    instance,
    retryable: repeat === 'safe' && !isRecorded && (outcome === undefined || outcome === 'not-applied'),
    ...(errors && { errors }),
    ...(outcome && { outcome }),
    ...(upstream && { upstream }),
    ...(links && { links })
  }
}
