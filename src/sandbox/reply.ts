import type { Refusal } from './refusal.ts'
import type { World } from './world.ts'

/** What a script answers, before it is put on the wire: JSON, or a text of its own. */
export interface Reply {
  readonly status: number
  readonly json?: Readonly<Record<string, unknown>>
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const said = (json: Readonly<Record<string, unknown>>): Reply => ({ status: 200, json })

export const refused = (world: World, { text }: Pick<Refusal, 'text'>): Reply => ({
  status: world.switches.httpStyle === 'honest' ? 400 : 200,
  json: { code: -1, message: text }
})

/** A token that is missing, unknown, expired, bound to another address, or waits for its second factor. */
export const authFailure = ({ switches }: World): Reply => {
  if (switches.authFailure === 'http-401') return { status: 401, text: 'unauthorized' }
  if (switches.authFailure === 'code-2') return said({ code: -2, message: 'Invalid token' })
  if (switches.authFailure === 'code-1') return said({ code: -1, message: 'Invalid token' })
  return said({ result: -2, error: 'Invalid hash' })
}
