import { type Outcome, type ProblemName, problems } from '../../schemas/problems.ts'

/** One fault of a request: where it is and what is wrong. */
export interface Fault {
  in: 'body' | 'query' | 'path' | 'header'
  pointer?: string
  parameter?: string
  detail: string
}

export interface ProblemOptions {
  /** What became of the write; left out for reads, and filled in at the edge where nothing was sent. */
  outcome?: Outcome
  errors?: Fault[]
  upstream?: { action: string; message: string }
  links?: Record<string, string>
  /** Seconds until it makes sense to try again; becomes `Retry-After`. */
  retryAfterSeconds?: number
  /** It is recorded under the request's key, which gets no other answer whatever the problem is. */
  isRecorded?: boolean
  /** Headers that belong to the problem, such as `Allow`. */
  headers?: Record<string, string>
  /** For the log only. */
  cause?: unknown
}

/** The one error thrown on purpose. `plugins/errors` turns it into problem+json. */
export class Problem extends Error {
  readonly problem: ProblemName
  readonly status: number
  readonly options: ProblemOptions

  /** @param detail what happened this time; a caller reads it, so nothing from outside and no secret goes in. */
  constructor(problem: ProblemName, detail: string, options: ProblemOptions = {}) {
    super(detail, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'Problem'
    this.problem = problem
    this.status = problems[problem].status
    this.options = options
  }
}

/** Was this thrown on purpose, and for this reason? */
export const isProblem = (error: unknown, ...names: ProblemName[]): error is Problem =>
  error instanceof Problem && (names.length === 0 || names.includes(error.problem))

/** Every failed write says what became of it; where nobody said so, nothing was sent. */
export const withOutcome = (problem: Problem, method: string): Problem => {
  if (problem.options.outcome || method === 'GET' || method === 'HEAD') return problem
  const outcome = problem.problem === 'internal' ? 'unknown' : 'not-applied'
  return new Problem(problem.problem, problem.message, { ...problem.options, outcome })
}

/** What a caller reads: the members of RFC 9457 and ours. */
export const problemBody = (problem: Problem, { publicUrl, instance }: { publicUrl: string; instance: string }) => {
  const { title, repeat } = problems[problem.problem]
  const { outcome, errors, upstream, links, isRecorded } = problem.options
  return {
    type: `${publicUrl}/problems/${problem.problem}`,
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
