import { Compile } from 'typebox/compile'
import type { ProblemName } from '../../../schemas/problems.ts'
import { Problem, type ProblemOptions } from '../../core/problem.ts'
import { scrubbed } from '../../core/secret.ts'
import type { Action, Result } from '../actions/action.ts'
import { classOf } from '../resilience/call-classes.ts'
import { coerce } from './coercion.ts'
import { describeStatus, type Envelope } from './envelope.ts'
import type { Stage, WireCause } from './failure-stage.ts'
import { refusalsOf } from './failures.ts'
import type { Reply } from './transport.ts'

const isWrite = (action: Action) => classOf[action.effect].isWrite
const outcomeOf = (action: Action): ProblemOptions => (isWrite(action) ? { outcome: 'unknown' } : {})

/** An answer of HOSTKEY's, opened, and what of the request it must not be quoted with. */
export interface Answer {
  reply: Reply
  envelope: Envelope
  secrets: readonly string[]
}

/**
 * What HOSTKEY's answer to an action comes to: the checked payload, or a problem.
 * @throws Problem the failure that the text means; upstream-bad-response for what is neither a success nor a failure
 */
export const verdictOn = <A extends Action>(action: A, answer: Answer): Result<A> => {
  const { reply, envelope, secrets } = answer
  if (reply.status !== 200) throw statusProblem(action, answer)
  switch (envelope.kind) {
    case 'failure':
      throw refusal(action, envelope.text, secrets)
    case 'success':
      return checked(action, envelope.payload)
    case 'pending':
      throw notReady(action)
    case 'unreadable':
      throw badResponse(action, envelope.reason)
  }
}

const badResponse = (action: Action, reason: string, cause?: WireCause): Problem =>
  new Problem('upstream-bad-response', `HOSTKEY's answer to ${action.name} cannot be used: ${reason}.`, {
    ...outcomeOf(action),
    cause
  })

/** A write that waits in HOSTKEY's queue will be done when nobody looks: its answer is as good as lost. */
const notReady = (action: Action): Problem => {
  if (!isWrite(action)) return badResponse(action, 'a task that is not ready')
  return new Problem(
    'upstream-timeout',
    'HOSTKEY has not told in time what became of the task that it has made of it.',
    {
      outcome: 'unknown',
      cause: { code: 'callback', stage: 'ambiguous' } satisfies WireCause
    }
  )
}

/** A refusal counts as one whatever its HTTP status (UPSTREAM 1.1); a success does not. */
const statusProblem = (action: Action, { reply, envelope, secrets }: Answer): Problem => {
  const notApplied: ProblemOptions = isWrite(action) ? { outcome: 'not-applied' } : {}
  if (reply.status === 401) return new Problem('invalid-token', 'HOSTKEY does not accept the token.', notApplied)
  if (reply.status === 429) {
    const retryAfterSeconds = Math.min(Number.parseInt(reply.retryAfter ?? '', 10) || 5, 30)
    return new Problem('upstream-throttled', 'HOSTKEY asks for patience.', { ...notApplied, retryAfterSeconds })
  }
  if (envelope.kind === 'failure') return refusal(action, envelope.text, secrets)
  // HOSTKEY's front could not reach what is behind it: as good as a broken connection.
  const stage: Stage = reply.status >= 502 && reply.status <= 504 ? 'early' : 'ambiguous'
  return badResponse(action, describeStatus(reply.status), { code: `HTTP ${reply.status}`, stage })
}

/** So much of a refusal is looked at. Words of HOSTKEY are shorter, and a body may be 8 MiB. */
export const MAX_REFUSAL_LENGTH = 2048

/** The failure that HOSTKEY's text means: the first declared one that matches, else `upstream-refused`. */
const refusal = (action: Action, said: string, secrets: readonly string[]): Problem => {
  const text = said.slice(0, MAX_REFUSAL_LENGTH)
  const upstream = { action: action.name, message: scrubbed(text, secrets) }
  for (const { problem, matches } of refusalsOf(action)) {
    if (!matches.wording.test(text)) continue
    const retry = problem === 'upstream-throttled' ? { retryAfterSeconds: 5 } : {}
    return new Problem(problem, 'HOSTKEY refused.', {
      upstream,
      ...retry,
      ...(isWrite(action) && { outcome: matches.outcome })
    })
  }
  return new Problem('upstream-refused', 'HOSTKEY refused, in words that are not known here.', {
    upstream,
    ...outcomeOf(action)
  })
}

const checks = new Map<Action, ReturnType<typeof Compile>>()

/** Does the payload have the declared shape as it is? */
export const fits = (action: Action, payload: unknown): boolean => {
  const check = checks.get(action) ?? Compile(action.result)
  checks.set(action, check)
  return check.Check(payload)
}

/** The payload in the declared shape, or a problem: an answer that does not fit is never a success and never an empty list. */
const checked = <A extends Action>(action: A, payload: Record<string, unknown>): Result<A> => {
  const result = fits(action, payload) ? payload : coerce(action.result, payload)
  if (!fits(action, result)) throw badResponse(action, 'its shape is not the documented one')
  // The compiled check has just proved the shape.
  const proven = result as Result<A>
  const hidden = action.hidden(proven)
  if (hidden) throw hiddenRefusal(action, hidden)
  return proven
}

/** A storage that refuses has done nothing; one that fails may have. */
const hiddenRefusal = (action: Action, problem: ProblemName): Problem => {
  const outcome = problem === 'upstream-storage-error' ? 'unknown' : 'not-applied'
  if (problem === 'two-factor-required') return new Problem(problem, 'HOSTKEY waits for the second factor.')
  return new Problem(problem, 'HOSTKEY’s storage refused.', isWrite(action) ? { outcome } : {})
}
