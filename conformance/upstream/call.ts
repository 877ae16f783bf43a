import type { Action } from '../../src/upstream/actions/action.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import type { HttpResponse, Sender } from '../sender.ts'
import { type Envelope, parseEnvelope } from './envelope.ts'

/** A response of HOSTKEY and its envelope. */
export interface CallResult {
  readonly response: HttpResponse
  readonly envelope: Envelope
}

/** Calls an action of HOSTKEY. @throws TypeError the action does more than read @throws RequestFailed */
export type Call = (
  action: Action,
  fields?: Readonly<Record<string, string | number>>,
  token?: string
) => Promise<CallResult>

/** The actions that only read, by their declared effect. */
export const readActions = (readKeys: boolean): Action[] => [
  tokenInfo,
  ...Object.values(actions).filter(
    ({ effect }) => effect === 'read' || effect === 'async-read' || (effect === 'secret' && readKeys)
  )
]

/** Creates the only function that sends requests to an upstream. */
export const createCall = (sender: Sender, token: string, readKeys: boolean): Call => {
  const allowed = new Set(readActions(readKeys))
  return async (action, fields = {}, sentToken = token) => {
    // An invented token belongs to no customer.
    if (!allowed.has(action) && sentToken === token) throw new TypeError(`${action.name} does more than read`)
    const form = new URLSearchParams({ action: action.name, token: sentToken })
    for (const [name, value] of Object.entries(fields)) form.set(name, String(value))
    const response = await sender.send({
      method: 'POST',
      path: action.script,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString()
    })
    return { response, envelope: parseEnvelope(response.text) }
  }
}
