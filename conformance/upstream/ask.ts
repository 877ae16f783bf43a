import type { Action } from '../../src/upstream/actions/action.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import type { Answer, Sender } from '../sender.ts'
import { type Opened, opened } from './envelope.ts'

/** An answer of HOSTKEY's, opened. */
export interface Heard {
  readonly answer: Answer
  readonly opened: Opened
}

/** Asks HOSTKEY. @throws TypeError for an action that is more than reading: no run ever gets so far @throws Unanswered */
export type Ask = (action: Action, fields?: Readonly<Record<string, string | number>>, token?: string) => Promise<Heard>

/** The actions that only read, as their declarations say. */
export const readings = (readKeys: boolean): Action[] => [
  tokenInfo,
  ...Object.values(actions).filter(
    ({ effect }) => effect === 'read' || effect === 'async-read' || (effect === 'secret' && readKeys)
  )
]

/** The one place from which anything is sent to an upstream. */
export const createAsk = (sender: Sender, token: string, readKeys: boolean): Ask => {
  const allowed = new Set(readings(readKeys))
  return async (action, fields = {}, shown = token) => {
    if (!allowed.has(action)) throw new TypeError(`${action.name} does not only read`)
    const form = new URLSearchParams({ action: action.name, token: shown })
    for (const [name, value] of Object.entries(fields)) form.set(name, String(value))
    const answer = await sender.send({
      method: 'POST',
      path: action.script,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString()
    })
    return { answer, opened: opened(answer.text) }
  }
}
