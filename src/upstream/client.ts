import { doInTurns } from '../core/turns.ts'
import { type Action, isWrite, type Params } from './actions/action.ts'
import type { Call } from './call.ts'
import { type Envelope, encodeForm, openEnvelope, openLargeEnvelope } from './protocol/envelope.ts'
import { createLargeReplies, LARGE_BYTES } from './protocol/large-replies.ts'
import { awaitTask, taskKeyOf } from './protocol/task-polling.ts'
import { type ConnectionOptions, createTransport, type Reply } from './protocol/transport.ts'
import { coerceLists, type Drift, isResult, judge } from './protocol/verdict.ts'
import { type Bulkheads, createBulkheads, type OnWaited, withBulkhead } from './resilience/bulkhead.ts'
import { cached } from './resilience/cache.ts'
import { classOf, slotsOf } from './resilience/call-classes.ts'
import { type OnCircuitStateChange, withCircuitBreaker } from './resilience/circuit-breakers.ts'
import { coalesced } from './resilience/coalescing.ts'
import { type Observation, observed } from './resilience/observation.ts'
import { type OnRetry, retried } from './resilience/retry.ts'
import { createReuse, type Reuse } from './resilience/reuse.ts'
import { refreshed } from './resilience/token-refresh.ts'

export interface Upstream {
  readonly call: Call
  close(): Promise<void>
}

export interface UpstreamOptions {
  /** Base of s3.php and auth.php. */
  url: URL
  connection?: ConnectionOptions
  /** Deadline of every call; undefined for that of its class. */
  timeoutMs: number | undefined
  observe: (observation: Observation) => void
  onCircuitStateChange: OnCircuitStateChange
  /** Called for each member of a reply whose kind is another than documented. */
  onDrift?: (drift: Drift) => void
  onRetry?: OnRetry
  onWaited?: OnWaited | undefined
}

/** As many as the classes have slots: no call waits for a connection. */
const CONNECTIONS = { kept: slotsOf('kept'), recent: slotsOf('recent'), new: slotsOf('new') }

/** The only way to HOSTKEY. The order of the interceptors has reasons: docs/explanation/architecture.md#interceptors-of-a-call. */
export const createUpstream = (options: UpstreamOptions): Upstream & { bulkheads: Bulkheads; reuse: Reuse } => {
  const { url, timeoutMs, observe, onCircuitStateChange, onDrift, onRetry, onWaited } = options
  const largeReplies = createLargeReplies()
  const transport = createTransport(url, CONNECTIONS, options.connection, largeReplies)
  const bulkheads = createBulkheads()
  const reuse = createReuse()

  const send: Call = async (action, params, context) => {
    const { connection, headersTimeoutMs, deadlineMs } = classOf[action.effect]
    const request = {
      connection,
      headersTimeoutMs: timeoutMs ?? headersTimeoutMs,
      share: context.caller.share,
      isWrite: isWrite(action),
      maxReplyBytes: action.maxReplyBytes,
      deadlineAt: context.deadlineAt ?? performance.now() + (timeoutMs ?? deadlineMs),
      // The caller's disconnect does not abort a write: its outcome would be unknown.
      signal: isWrite(action) ? undefined : context.signal
    }
    const token = context.token?.reveal()
    const reply = await transport.post(action.script, formOf(action, params, token), request)
    const isLarge = reply.body.length > LARGE_BYTES || reply.release !== undefined
    const first = isLarge ? await openApart(action, reply) : openEnvelope(reply.body, action.script)
    const key = first.kind === 'success' ? taskKeyOf(first.payload, () => isResult(action, first.payload)) : undefined
    const envelope = key === undefined ? first : await awaitTask({ key, transport, request })
    // What a refusal may not quote: the token, or for auth.php any of its parameters.
    const secrets = token === undefined ? textsIn(params) : [token]
    return judge(action, { reply, secrets, envelope }, onDrift)
  }

  /** Opens a large reply in pieces, so that others are answered meanwhile. */
  const openApart = (action: Action, reply: Reply): Promise<Envelope> =>
    largeReplies.read(() => doInTurns(openLarge(action, reply.body, onDrift))).finally(() => reply.release?.())

  const attempt = observed(send, observe)
  const guarded = withCircuitBreaker(retried(attempt, bulkheads, timeoutMs, onRetry), onCircuitStateChange)
  const call = refreshed(cached(coalesced(withBulkhead(guarded, bulkheads, timeoutMs, onWaited), reuse), reuse))
  return { call, bulkheads, reuse, close: () => transport.close() }
}

/** Opens a large reply, and brings its lists into the declared shape. */
function* openLarge(action: Action, body: string, onDrift: UpstreamOptions['onDrift']): Generator<void, Envelope> {
  const envelope = yield* openLargeEnvelope(body, action.script)
  if (envelope.kind === 'success') yield* coerceLists(action, envelope.payload, onDrift)
  return envelope
}

const textsIn = (params: object): string[] => Object.values(params).filter(value => typeof value === 'string')

/** The form of a call: the declared params and no other member of the object. */
const formOf = <A extends Action>(action: A, params: Params<A>, token: string | undefined): string => {
  const given: Record<string, unknown> = params
  const fields: [string, string | number][] = [['action', action.name]]
  if (token !== undefined) fields.push(['token', token])
  for (const key of action.fields) {
    const value = given[key]
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number') throw new TypeError(`${key} is neither text nor number`)
    fields.push([key, value])
  }
  return encodeForm(fields)
}
