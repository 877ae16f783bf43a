import type { Action, Params } from './actions/action.ts'
import type { Call } from './call.ts'
import { encodeForm, openEnvelope } from './protocol/envelope.ts'
import { endOf, taskOf } from './protocol/task-polling.ts'
import { createTransport } from './protocol/transport.ts'
import { fits, verdictOn } from './protocol/verdict.ts'
import { withCircuitBreaker } from './resilience/broken.ts'
import { cached } from './resilience/cache.ts'
import { type CallClass, classOf } from './resilience/call-classes.ts'
import { coalesced } from './resilience/coalescing.ts'
import { createBulkheads, withBulkhead } from './resilience/limited.ts'
import { type Observation, observed } from './resilience/observation.ts'
import { retried } from './resilience/retry.ts'
import { refreshed } from './resilience/token-refresh.ts'

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
  /** Told when calls of a class are no longer sent, because HOSTKEY keeps failing, and when they are again. */
  reportRest: (name: CallClass['name'], isResting: boolean) => void
}

/** The one way to HOSTKEY. */
export const createUpstream = ({ url, timeoutMs, observe, reportRest }: UpstreamOptions): Upstream => {
  const transport = createTransport(url)
  const bulkheads = createBulkheads()

  const send: Call = async (action, params, context) => {
    const { isWrite, newConnection, headMs, deadlineMs } = classOf[action.effect]
    const deadline = context.deadline ?? AbortSignal.timeout(timeoutMs ?? deadlineMs)
    // A write that was sent is not taken back by a caller that hangs up: we would never know what became of it.
    const signal = isWrite ? deadline : AbortSignal.any([deadline, context.signal])
    const post = (script: string, form: string) =>
      transport.post({ script, form, isWrite, newConnection, headMs: timeoutMs ?? headMs, signal })
    const token = action.script === 's3.php' ? (await context.caller.token()).reveal() : undefined
    const reply = await post(action.script, formOf(action, params, token))
    const envelope = openEnvelope(reply.body, action.script)
    const key = envelope.kind === 'success' ? taskOf(envelope.payload, fits(action, envelope.payload)) : undefined
    // A refusal that quotes a credential that was sent is told without it: s3.php gets a token, auth.php any.
    const credentials = token === undefined ? Object.values(params) : [token]
    const secrets = credentials.filter(value => typeof value === 'string')
    return verdictOn(action, {
      reply,
      secrets,
      envelope: key === undefined ? envelope : await endOf({ key, isWrite, post, deadline: signal })
    })
  }
  const attempt = observed(send, observe)
  const rested = withCircuitBreaker(retried(attempt, bulkheads, timeoutMs), reportRest)
  const shared = (call: Call) => cached(coalesced(call))
  return { call: refreshed(shared(withBulkhead(rested, bulkheads))), close: () => transport.close() }
}

/** The form of a call: the action's own keys and no others, whatever the params object carries. */
const formOf = <A extends Action>(action: A, params: Params<A>, token: string | undefined): string => {
  const given = new Map<string, unknown>(Object.entries(params as object))
  const fields: [string, string | number][] = [['action', action.name]]
  if (token !== undefined) fields.push(['token', token])
  for (const key of Object.keys(action.params.properties)) {
    const value = given.get(key)
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError(`${key} is neither text nor number`)
    fields.push([key, value])
  }
  return encodeForm(fields)
}
