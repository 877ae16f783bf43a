import { Compile } from 'typebox/compile'
import type { ProblemName } from '../../schemas/problems.ts'
import type { Errand } from '../caller.ts'
import { Problem, type ProblemOptions } from '../problem.ts'
import { scrubbed } from '../secret.ts'
import type { Action, Params, Result } from './action.ts'
import { describeStatus, type Envelope, encodeForm, openEnvelope } from './envelope.ts'
import { refusalsOf } from './failures.ts'
import { type Observation, observed } from './interceptors/observed.ts'
import { renewed } from './interceptors/renewed.ts'
import { tolerated } from './quirks.ts'
import { createTransport, type Reply } from './transport.ts'

/**
 * Calls one action of HOSTKEY on the caller's behalf.
 * @throws Problem one of the action's failures, of those common to all, or `upstream-*`
 */
export type Call = <A extends Action>(action: A, params: Params<A>, errand: Errand) => Promise<Result<A>>

export interface Upstream {
  readonly call: Call
  close(): Promise<void>
}

export interface UpstreamOptions {
  /** Base of s3.php and auth.php. */
  url: URL
  /** One total deadline for every call; by effect when undefined. */
  timeoutMs: number | undefined
  observe: (observation: Observation) => void
}

/** The one way to HOSTKEY. */
export const createUpstream = ({ url, timeoutMs, observe }: UpstreamOptions): Upstream => {
  const transport = createTransport({ url, timeoutMs })

  const send: Call = async (action, params, errand) => {
    const form = await formOf(action, params, errand)
    const reply = await transport.post({ script: action.script, form, effect: action.effect, signal: errand.signal })
    // auth.php is sent credentials: a refusal that quotes one is told without it.
    const secrets = action.script === 'auth.php' ? Object.values(params).filter(value => typeof value === 'string') : []
    return resultOf(action, reply, secrets)
  }
  return { call: renewed(observed(send, observe)), close: () => transport.close() }
}

/** The form of a call: the action's own keys and no others, whatever the params object carries. */
const formOf = async <A extends Action>(action: A, params: Params<A>, { caller }: Errand): Promise<string> => {
  const given = new Map<string, unknown>(Object.entries(params as object))
  const fields: [string, string | number][] = [['action', action.name]]
  if (action.script === 's3.php') fields.push(['token', (await caller.token()).reveal()])
  for (const key of Object.keys(action.params.properties)) {
    const value = given.get(key)
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError(`${key} is neither text nor number`)
    fields.push([key, value])
  }
  return encodeForm(fields)
}

const outcomeOf = (action: Action): ProblemOptions =>
  action.effect === 'write' || action.effect === 'buy' ? { outcome: 'unknown' } : {}

const resultOf = <A extends Action>(action: A, reply: Reply, secrets: readonly string[]): Result<A> => {
  const envelope = openEnvelope(reply.body, action.script)
  if (reply.status !== 200) throw statusProblem(action, reply, envelope, secrets)
  switch (envelope.kind) {
    case 'failure':
      throw refusal(action, envelope.text, secrets)
    case 'success':
      return checked(action, envelope.payload)
    case 'pending':
      throw badResponse(action, 'a task that is not ready')
    case 'unreadable':
      throw badResponse(action, envelope.reason)
  }
}

const badResponse = (action: Action, reason: string): Problem =>
  new Problem(
    'upstream-bad-response',
    `HOSTKEY's answer to ${action.name} cannot be used: ${reason}.`,
    outcomeOf(action)
  )

/** A refusal counts as one whatever its HTTP status (UPSTREAM 1.1); a success does not. */
const statusProblem = (action: Action, reply: Reply, envelope: Envelope, secrets: readonly string[]): Problem => {
  const notApplied: ProblemOptions = outcomeOf(action).outcome ? { outcome: 'not-applied' } : {}
  if (reply.status === 401) return new Problem('invalid-token', 'HOSTKEY does not accept the token.', notApplied)
  if (reply.status === 429) {
    const retryAfterSeconds = Math.min(Number.parseInt(reply.retryAfter ?? '', 10) || 5, 30)
    return new Problem('upstream-throttled', 'HOSTKEY asks for patience.', { ...notApplied, retryAfterSeconds })
  }
  if (envelope.kind === 'failure') return refusal(action, envelope.text, secrets)
  return badResponse(action, describeStatus(reply.status))
}

/** The failure that HOSTKEY's text means: the first declared one that matches, else `upstream-refused`. */
const refusal = (action: Action, text: string, secrets: readonly string[]): Problem => {
  const upstream = { action: action.name, message: scrubbed(text, secrets) }
  const isWrite = outcomeOf(action).outcome !== undefined
  for (const { problem, says } of refusalsOf(action)) {
    if (!says.pattern.test(text)) continue
    const retry = problem === 'upstream-throttled' ? { retryAfterSeconds: 5 } : {}
    return new Problem(problem, 'HOSTKEY refused.', {
      upstream,
      ...retry,
      ...(isWrite ? { outcome: says.outcome } : {})
    })
  }
  return new Problem('upstream-refused', 'HOSTKEY refused, in words that are not known here.', {
    upstream,
    ...outcomeOf(action)
  })
}

const checks = new Map<Action, ReturnType<typeof Compile>>()

/** The payload in the declared shape, or a problem: an answer that does not fit is never a success and never an empty list. */
const checked = <A extends Action>(action: A, payload: Record<string, unknown>): Result<A> => {
  const check = checks.get(action) ?? Compile(action.result)
  checks.set(action, check)
  const result = check.Check(payload) ? payload : tolerated(action.result, payload)
  if (!check.Check(result)) throw badResponse(action, 'its shape is not the documented one')
  // The compiled check has just proved the shape.
  const proven = result as Result<A>
  const hidden = action.hidden(proven)
  if (hidden) throw hiddenRefusal(action, hidden)
  return proven
}

/** A storage that refuses has done nothing; one that fails may have. */
const hiddenRefusal = (action: Action, problem: ProblemName): Problem => {
  const outcome = problem === 'upstream-storage-error' ? 'unknown' : 'not-applied'
  return new Problem(problem, 'HOSTKEY’s storage refused.', outcomeOf(action).outcome ? { outcome } : {})
}
