import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProblemName } from '../../../schemas/problems.ts'
import { meaningOf } from '../../../schemas/refusals.ts'
import { Problem, type ProblemOptions } from '../../core/problem.ts'
import { scrubbed } from '../../core/secret.ts'
import { isLong, piecesOf } from '../../core/turns.ts'
import { type Action, isWrite, type Result } from '../actions/action.ts'
import { coerce, type DriftKind } from './coercion.ts'
import { describeStatus, type Envelope } from './envelope.ts'
import { isExplained, referenceOf } from './explained.ts'
import type { Stage, TransportCause } from './failure-stage.ts'
import { refusalsOf } from './failures.ts'
import { retryAfterSecondsOf } from './retry-after.ts'
import type { Reply } from './transport.ts'

/** An answer of HOSTKEY. */
export interface Answer {
  reply: Reply
  envelope: Envelope
  /** Credentials of the request, which no problem may quote. */
  secrets: readonly string[]
}

/** An optional member of a reply that was left out, or a required one that was replaced, because its kind is another. */
export interface Drift {
  action: string
  /** Its place, such as `s3_users[].quota`. */
  member: string
  kind: DriftKind
}

/**
 * Judges the answer to an action: returns the checked payload of a success.
 * @param onDrift called once for each member that does not fit
 * @throws Problem the failure that the text of a refusal means; upstream-bad-response for an unusable answer
 */
export const judge = <A extends Action>(action: A, answer: Answer, onDrift?: (drift: Drift) => void): Result<A> => {
  const { reply, envelope } = answer
  if (reply.status !== 200) throw statusProblem(action, answer)
  switch (envelope.kind) {
    case 'failure':
      throw refusal(action, envelope.text, answer)
    case 'success':
      return checkResult(action, envelope.payload, onDrift)
    case 'pending':
      throw taskNotReady(action)
    case 'unreadable':
      throw badResponse(action, envelope.reason)
  }
}

/** The outcome of a failed call: reads have none. */
const withOutcome = (action: Action, outcome: 'unknown' | 'not-applied'): ProblemOptions =>
  isWrite(action) ? { outcome } : {}

const badResponse = (
  action: Action,
  reason: string,
  options: { cause?: TransportCause; retryAfterSeconds?: number } = {}
): Problem =>
  new Problem('upstream-bad-response', `The answer of HOSTKEY cannot be used: ${reason}.`, {
    ...withOutcome(action, 'unknown'),
    ...options
  })

/** HOSTKEY executes a queued write later: its answer counts as lost. */
const taskNotReady = (action: Action): Problem => {
  if (!isWrite(action)) return badResponse(action, 'its task is not ready')
  return new Problem('upstream-timeout', 'HOSTKEY queued the request and did not report the result in time.', {
    outcome: 'unknown',
    cause: { code: 'callback', stage: 'ambiguous' } satisfies TransportCause
  })
}

/** HOSTKEY refuses with HTTP 200 (documented), but a refusal counts under any status; a success counts under 200 only. */
const statusProblem = (action: Action, answer: Answer): Problem => {
  const { reply, envelope } = answer
  const notApplied = withOutcome(action, 'not-applied')
  if (reply.status === 401) return new Problem('invalid-token', 'HOSTKEY does not accept the token.', notApplied)
  if (reply.status === 429) {
    return new Problem('upstream-throttled', 'HOSTKEY limits the rate of requests.', {
      ...notApplied,
      retryAfterSeconds: requestedPauseOf(reply) ?? DEFAULT_PAUSE_SECONDS
    })
  }
  if (envelope.kind === 'failure') return refusal(action, envelope.text, answer)
  // A proxy in front of HOSTKEY could not reach PHP: the same as a broken connection.
  const stage: Stage = reply.status >= 502 && reply.status <= 504 ? 'early' : 'ambiguous'
  const retryAfterSeconds = reply.status === 503 ? requestedPauseOf(reply) : undefined
  return badResponse(action, describeStatus(reply.status), {
    cause: { code: `HTTP ${reply.status}`, stage },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds })
  })
}

/** For a caller whom HOSTKEY throttles without naming a time. */
const DEFAULT_PAUSE_SECONDS = 5

/** The pause that HOSTKEY asks for, in seconds; undefined for none. Only the caller waits, so it is passed on whole. */
const requestedPauseOf = ({ retryAfter, date }: Reply): number | undefined =>
  retryAfterSecondsOf(retryAfter, date) || undefined

/** Characters of a refusal that are matched. Known texts are shorter, and a body may have 8 MiB. */
export const MAX_REFUSAL_LENGTH = 2048

/** The problem that the text of a refusal means: the first pattern that matches, else `upstream-refused`. */
const refusal = (action: Action, fullText: string, { reply, secrets }: Answer): Problem => {
  const text = fullText.slice(0, MAX_REFUSAL_LENGTH)
  const upstream = relayable(action, fullText, scrubbed(text, secrets))
  const match = refusalsOf(action).find(({ pattern }) => pattern.wording.test(text))
  if (!match) {
    const options = { ...upstream, ...withOutcome(action, 'unknown') }
    return new Problem('upstream-refused', 'HOSTKEY refused with a text that the gateway does not know.', options)
  }
  const isThrottled = match.problem === 'upstream-throttled'
  return new Problem(match.problem, meaningOf(match.problem), {
    ...upstream,
    ...(isThrottled && { retryAfterSeconds: requestedPauseOf(reply) ?? DEFAULT_PAUSE_SECONDS }),
    ...(isWrite(action) && { outcome: match.pattern.outcome })
  })
}

/** The text for the caller where a declared wording explains all of it; else its reference, and the text for the log. */
const relayable = (action: Action, text: string, message: string): Pick<ProblemOptions, 'upstream' | 'upstreamText'> =>
  text.length <= MAX_REFUSAL_LENGTH && isExplained(action, text)
    ? { upstream: { action: action.name, message } }
    : { upstream: { action: action.name, reference: referenceOf(message) }, upstreamText: message }

const checks = new Map<TSchema, ReturnType<typeof Compile>>()

const checkOf = (schema: TSchema) => {
  const check = checks.get(schema) ?? Compile(schema)
  checks.set(schema, check)
  return check
}

/** Does the payload have the declared shape, without any conversion? */
export const isResult = (action: Action, payload: unknown): boolean => checkOf(action.result).Check(payload)

/** Brings the long lists of a payload into the declared shape, in pieces: `judge` then finds them so. */
export function* coerceLists(
  action: Action,
  payload: Record<string, unknown>,
  onDrift?: (drift: Drift) => void
): Generator<void, void> {
  const drifts = new Map<string, DriftKind>()
  for (const [member, schema] of Object.entries<TSchema & { items?: TSchema }>(action.result.properties)) {
    const list = payload[member]
    if (schema.items === undefined || !Array.isArray(list) || !isLong(list)) continue
    const check = checkOf(schema)
    const coerced: unknown[] = []
    for (const piece of piecesOf(list)) {
      const fitting = check.Check(piece)
        ? piece
        : (coerce(schema, piece, (place, kind) => drifts.set(place, kind), member) as unknown[])
      for (const entry of fitting) coerced.push(entry)
      yield
    }
    payload[member] = coerced
  }
  for (const [member, kind] of drifts) onDrift?.({ action: action.name, member, kind })
}

/**
 * The payload in the declared shape. An answer of another shape is a problem, never an empty result: its required members
 * decide, optional ones that do not fit are left out.
 */
const checkResult = <A extends Action>(
  action: A,
  payload: Record<string, unknown>,
  onDrift: ((drift: Drift) => void) | undefined
): Result<A> => {
  let checked: unknown = payload
  if (!isResult(action, payload)) {
    const drifts = new Map<string, DriftKind>()
    checked = coerce(action.result, payload, (member, kind) => drifts.set(member, kind))
    if (!isResult(action, checked)) throw badResponse(action, 'its shape is not the documented one')
    for (const [member, kind] of drifts) onDrift?.({ action: action.name, member, kind })
  }
  // The compiled check has just proved the shape.
  const result = checked as Result<A>
  const problem = action.findRefusal(result)
  if (problem) throw refusalInSuccess(action, problem)
  return result
}

/** A storage that refuses has changed nothing; one that fails may have. */
const refusalInSuccess = (action: Action, problem: ProblemName): Problem => {
  if (problem === 'two-factor-required') return new Problem(problem, meaningOf(problem))
  const outcome = problem === 'upstream-storage-error' ? 'unknown' : 'not-applied'
  return new Problem(problem, meaningOf(problem), withOutcome(action, outcome))
}
