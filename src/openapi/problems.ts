import type { Static } from 'typebox'
import { commonProblems, examples, type ProblemExample } from '../../schemas/examples/index.ts'
import { headers } from '../../schemas/headers.ts'
import { ref } from '../../schemas/model.ts'
import { ProblemDetails, type ProblemName, problems } from '../../schemas/problems.ts'
import { isSafeToRepeat, Problem, problemBody, withOutcome } from '../core/problem.ts'
import { outcomesOf, type UpstreamCall } from '../http/answers.ts'
import type { Action } from '../upstream/actions/action.ts'
import { openEnvelope } from '../upstream/protocol/envelope.ts'
import { refusalsOf } from '../upstream/protocol/failures.ts'
import { judge } from '../upstream/protocol/verdict.ts'

/** The operation that answers with a problem. */
interface Source {
  operationId: string
  method: string
  /** The scope that it needs; empty without one. */
  scope: string
  /** Those of its replies. */
  mediaTypes: readonly string[]
}

/** An example of the document. */
export interface DocumentedExample {
  value: Static<typeof ProblemDetails>
  'x-varies'?: string[]
}

export const PROBLEM = 'application/problem+json'

/**
 * Problems that have nothing to do with what an operation does: the request is wrong as HTTP, or the gateway or HOSTKEY
 * fails. One reply of the document covers them for all operations.
 */
const GENERAL: ReadonlySet<ProblemName> = new Set([
  'invalid-request',
  'malformed-url',
  'unauthenticated',
  'invalid-token',
  'session-expired',
  'payment-required',
  'csrf-rejected',
  'insufficient-scope',
  'forbidden',
  'two-factor-required',
  'rate-limited',
  'not-acceptable',
  'body-too-large',
  'uri-too-long',
  'unsupported-media-type',
  'headers-too-large',
  'internal',
  'upstream-refused',
  'upstream-bad-response',
  'upstream-unreachable',
  'upstream-storage-error',
  'overloaded',
  'draining',
  'store-unavailable',
  'upstream-unavailable',
  'upstream-throttled',
  'upstream-timeout'
])

/** Members that say more than the name of a problem, which most do not have. */
const TELLING = ['errors', 'links']

/** Does the document show it? Of those with a text only, it shows the one that quotes HOSTKEY. */
export const isShown = ({ value }: DocumentedExample): boolean =>
  value.name === 'upstream-refused' || TELLING.some(member => member in value)

/** The names of problems by status. */
export const byStatus = (names: readonly string[]): Record<string, string[]> =>
  Object.fromEntries(Map.groupBy(names.toSorted(), name => problems[name as ProblemName].status))

/**
 * Adds a response for each status of the operation's problems, with an example of each problem. A status with general
 * problems alone has none of its own: they are in `default`.
 */
export const withProblems = (responses: object, source: Source, publicUrl: string): object => {
  const { calls, problems: names } = outcomesOf(responses)
  const recorded = new Set(calls.filter(({ action }) => isProvisioning(action)).flatMap(recordedOf))
  const isGeneral = (name: ProblemName) => GENERAL.has(name) && !recorded.has(name)
  const special = new Set(names.filter(name => !isGeneral(name)).map(name => problems[name].status))
  const byStatus = Map.groupBy(names, name => (special.has(problems[name].status) ? problems[name].status : 'default'))
  const failures = [...byStatus].map(([status, names]) => [
    status,
    {
      description: status === 'default' ? REST : listed(names),
      ...(names.some(name => recorded.has(name)) && { headers: REPLAYED }),
      content: {
        [PROBLEM]: {
          schema: ref(ProblemDetails),
          examples: Object.fromEntries(
            names.map(name => [name, documentedExample(name, { ...source, calls }, publicUrl)])
          )
        }
      }
    }
  ])
  return { ...responses, ...Object.fromEntries(failures) }
}

const listed = (names: readonly string[]) => names.map(name => `\`${name}\``).join(', ')

const REST =
  'Any operation: the request is wrong as HTTP (406, 413, 414, 415, 431), the gateway fails (500, 503), or HOSTKEY refuses an unpaid customer (402) or fails (502, 503, 504).'

const REPLAYED = { 'Idempotency-Replayed': headers['Idempotency-Replayed'] }

/** Creates an account, and may bill: its outcome is recorded under the caller's key. */
const isProvisioning = ({ effect, name }: Action) => effect === 'provision' && name.startsWith('create_')

/** The failures with which the same key is answered again. */
const recordedOf = ({ problems }: UpstreamCall) => problems.filter(name => !isSafeToRepeat(name))

interface SourceWithCalls extends Source {
  calls: readonly UpstreamCall[]
}

/** What an operation answers as a problem. */
export const documentedExample = (name: ProblemName, source: SourceWithCalls, publicUrl: string): DocumentedExample => {
  const { problem, varies } = exampleOf(name, source)
  return { ...documented(problem, source.method, publicUrl), ...(varies && { 'x-varies': varies }) }
}

/** A problem as an example of the document. */
export const documented = (problem: Problem, method: string, publicUrl: string): DocumentedExample => ({
  value: problemBody(withOutcome(problem, method), { publicUrl, instance: 'req-7f3a' })
})

/** The operation's own example, the common one, or what an answer of HOSTKEY leads to. */
const exampleOf = (name: ProblemName, { operationId, calls, ...source }: SourceWithCalls) => {
  const given = examples[operationId]?.problems?.[name] ?? commonProblems[name]
  return given
    ? { problem: problemOf(name, given, source), varies: given.varies }
    : { problem: upstreamProblem(name, calls) }
}

const problemOf = (
  name: ProblemName,
  { detail, varies: _, ...options }: ProblemExample,
  { scope, mediaTypes }: Pick<Source, 'scope' | 'mediaTypes'>
) => {
  const filled = detail.replace('{scope}', scope).replace('{types}', mediaTypes.join(' or '))
  return new Problem(name, filled, options)
}

/** A message that no declared failure matches. */
export const UNKNOWN_MESSAGE = 'Internal error, please contact support'

const refusing = (message: string) => ({ status: 200, body: JSON.stringify({ code: -1, message }) })

/** Answers of HOSTKEY that are not failures declared by the action. */
const UNDECLARED: Partial<Record<ProblemName, { status: number; body: string }>> = {
  'upstream-refused': refusing(UNKNOWN_MESSAGE),
  'upstream-bad-response': { status: 200, body: '<html></html>' },
  'upstream-throttled': { status: 429, body: '' }
}

/** The problem that the verdict makes of an answer of HOSTKEY. @throws TypeError when no answer leads to it */
const upstreamProblem = (name: ProblemName, calls: readonly UpstreamCall[]): Problem => {
  const action = actionFor(name, calls)
  const pattern = action && refusalsOf(action).find(({ problem }) => problem === name)?.pattern
  const answer = UNDECLARED[name] ?? (pattern && refusing(pattern.example))
  if (!action || !answer) throw new TypeError(`no answer of HOSTKEY leads to ${name}`)
  const { status, body } = answer
  try {
    const reply = { status, body, retryAfter: undefined }
    judge(action, { reply, envelope: openEnvelope(body, action.script), secrets: [] })
  } catch (error) {
    if (error instanceof Problem && error.problem === name) return error
    throw error
  }
  throw new TypeError(`${name} is no problem of ${action.name}`)
}

/** The action that most likely leads to the problem: one that declares it, else the first that can answer with it. */
const actionFor = (name: ProblemName, calls: readonly UpstreamCall[]): Action | undefined => {
  const able = calls.filter(({ problems }) => problems.includes(name)).map(({ action }) => action)
  const ofStorage = able.filter(({ script }) => script === 's3.php')
  const candidates = ofStorage.length > 0 ? ofStorage : able
  return candidates.find(({ failures }) => Object.hasOwn(failures, name)) ?? candidates[0]
}
