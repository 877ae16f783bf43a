import { commonProblems, examples, type ProblemExample } from '../../schemas/examples/index.ts'
import { headers } from '../../schemas/headers.ts'
import { ref } from '../../schemas/model.ts'
import { ProblemDetails, type ProblemName, problems } from '../../schemas/problems.ts'
import { Problem, problemBody, withOutcome } from '../core/problem.ts'
import { isSafeToRepeat } from '../domain/orders/placement.ts'
import { type Asked, type Causes, causesOf } from '../http/answers.ts'
import type { Needs } from '../http/route.ts'
import type { Action } from '../upstream/actions/action.ts'
import { openEnvelope } from '../upstream/protocol/envelope.ts'
import { refusalsOf } from '../upstream/protocol/failures.ts'
import { judge } from '../upstream/protocol/verdict.ts'

/** What of an operation decides how a problem looks there. */
interface Telling {
  operationId: string
  method: string
  /** Undefined for the open ones. */
  needed: Needs | undefined
}

/** An example as it stands in the document. */
export interface DocumentedExample {
  summary: string
  value: object
  'x-varies'?: string[]
}

export const PROBLEM = 'application/problem+json'

/** The responses of an operation, with one for each status of its problems and in it an example of each. */
export const withProblems = (responses: object, telling: Telling, publicUrl: string): object => {
  const { asked, problems: names } = causesOf(responses)
  const recorded = new Set(asked.filter(({ action }) => isPurchase(action)).flatMap(recordedOf))
  const byStatus = Map.groupBy(names, name => problems[name].status)
  const failures = [...byStatus].map(([status, names]) => [
    status,
    {
      description: names.map(name => `\`${name}\`: ${problems[name].title}.`).join(' '),
      ...(names.some(name => recorded.has(name)) && { headers: REPLAYED }),
      content: {
        [PROBLEM]: {
          schema: ref(ProblemDetails),
          examples: Object.fromEntries(
            names.map(name => [name, documentedExample(name, { ...telling, asked }, publicUrl)])
          )
        }
      }
    }
  ])
  return { ...responses, ...Object.fromEntries(failures) }
}

const REPLAYED = { 'Idempotency-Replayed': headers['Idempotency-Replayed'] }

/** Makes an account, and may bill: how it ended is recorded under the caller's key. */
const isPurchase = ({ effect, name }: Action) => effect === 'provision' && name.startsWith('create_')

/** Failures of a purchase that the same key gets again. */
const recordedOf = ({ tells }: Asked) => tells.filter(name => !isSafeToRepeat(name))

const documentedExample = (
  name: ProblemName,
  telling: Telling & Pick<Causes, 'asked'>,
  publicUrl: string
): DocumentedExample => {
  const { problem, varies } = shown(name, telling)
  return { ...documented(problem, telling.method, publicUrl), ...(varies && { 'x-varies': varies }) }
}

/** A problem as the document shows it. */
export const documented = (problem: Problem, method: string, publicUrl: string): DocumentedExample => ({
  summary: problems[problem.problem].title,
  value: problemBody(withOutcome(problem, method), { publicUrl, instance: 'req-7f3a' })
})

/** As the operation says it, as all say it, or as HOSTKEY brings it about. */
const shown = (name: ProblemName, { operationId, needed, asked }: Telling & Pick<Causes, 'asked'>) => {
  const given = examples[operationId]?.problems?.[name] ?? commonProblems[name]
  return given ? { problem: problemOf(name, given, needed), varies: given.varies } : { problem: byHostkey(name, asked) }
}

const problemOf = (name: ProblemName, { detail, varies: _, ...options }: ProblemExample, needed: Needs | undefined) => {
  const filled = detail.replace('{scope}', needed?.scope ?? '').replace('{types}', needed?.offers.join(' or ') ?? '')
  return new Problem(name, filled, options)
}

/** Words that no failure explains. */
const UNKNOWN_WORDS = 'Internal error, please contact support'

const refusing = (message: string) => ({ status: 200, body: JSON.stringify({ code: -1, message }) })

/** Answers of HOSTKEY's that are no refusal in words of the action's. */
const WORDLESS: Partial<Record<ProblemName, { status: number; body: string }>> = {
  'upstream-refused': refusing(UNKNOWN_WORDS),
  'upstream-bad-response': { status: 200, body: '<html></html>' },
  'upstream-throttled': { status: 429, body: '' }
}

/** What an answer of HOSTKEY's comes to that leads to the problem. @throws TypeError when no answer does */
const byHostkey = (name: ProblemName, asked: readonly Asked[]): Problem => {
  const action = actionFor(name, asked)
  const said = action && refusalsOf(action).find(({ problem }) => problem === name)?.pattern
  const answer = WORDLESS[name] ?? (said && refusing(said.example))
  if (!action || !answer) throw new TypeError(`nobody says how ${name} comes about`)
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

/** The action that most likely leads to the problem: one with words of its own for it, else the first that may. */
const actionFor = (name: ProblemName, asked: readonly Asked[]): Action | undefined => {
  const telling = asked.filter(({ tells }) => tells.includes(name)).map(({ action }) => action)
  const ofStorage = telling.filter(({ script }) => script === 's3.php')
  const candidates = ofStorage.length > 0 ? ofStorage : telling
  return candidates.find(({ failures }) => Object.hasOwn(failures, name)) ?? candidates[0]
}
