import type { Errand } from '../caller.ts'
import type { Action, Params, Result } from './action.ts'
import { awaitCallback, callbackOf } from './callback.ts'
import { type CallClass, classOf } from './classes.ts'
import { encodeForm, openEnvelope } from './envelope.ts'
import { broken } from './interceptors/broken.ts'
import { cached } from './interceptors/cached.ts'
import { coalesced } from './interceptors/coalesced.ts'
import { createLanes, limited } from './interceptors/limited.ts'
import { type Observation, observed } from './interceptors/observed.ts'
import { renewed } from './interceptors/renewed.ts'
import { retried } from './interceptors/retried.ts'
import { createTransport } from './transport.ts'
import { fits, verdictOn } from './verdict.ts'

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
  /** Told when calls of a class are no longer sent, because HOSTKEY keeps failing, and when they are again. */
  reportRest: (name: CallClass['name'], isResting: boolean) => void
}

/** The one way to HOSTKEY. */
export const createUpstream = ({ url, timeoutMs, observe, reportRest }: UpstreamOptions): Upstream => {
  const transport = createTransport(url)
  const lanes = createLanes()

  const send: Call = async (action, params, errand) => {
    const { isWrite, isFresh, headMs, deadlineMs } = classOf[action.effect]
    const deadline = errand.deadline ?? AbortSignal.timeout(timeoutMs ?? deadlineMs)
    // A write that was sent is not taken back by a caller that hangs up: we would never know what became of it.
    const signal = isWrite ? deadline : AbortSignal.any([deadline, errand.signal])
    const post = (script: string, form: string) =>
      transport.post({ script, form, isWrite, isFresh, headMs: timeoutMs ?? headMs, signal })
    const reply = await post(action.script, await formOf(action, params, errand))
    const envelope = openEnvelope(reply.body, action.script)
    const task =
      envelope.kind === 'success' && !fits(action, envelope.payload) ? callbackOf(envelope.payload) : undefined
    // auth.php is sent credentials: a refusal that quotes one is told without it.
    const secrets = action.script === 'auth.php' ? Object.values(params).filter(value => typeof value === 'string') : []
    return verdictOn(action, {
      reply,
      secrets,
      envelope: task === undefined ? envelope : await awaitCallback(task, post, signal)
    })
  }
  const attempt = observed(send, observe)
  const rested = broken(retried(attempt, lanes, timeoutMs), reportRest)
  const shared = (call: Call) => cached(coalesced(call))
  return { call: renewed(shared(limited(rested, lanes))), close: () => transport.close() }
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
