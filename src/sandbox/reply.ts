import type { Refusal } from './refusal.ts'
import type { State } from './state.ts'

/** What a script replies, before it is encoded: a JSON object or a text. */
export interface Reply {
  readonly status: number
  readonly json?: Readonly<Record<string, unknown>>
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const jsonReply = (json: Readonly<Record<string, unknown>>): Reply => ({ status: 200, json })

export const refusalReply = (state: State, { text }: Pick<Refusal, 'text'>): Reply => ({
  status: state.behaviours.refusalStatus,
  json: { code: -1, message: text }
})

/** The reply to a token that is missing, unknown, expired, bound to another address, or without its second factor. */
export const authFailureReply = ({ behaviours }: State): Reply => {
  if (behaviours.authFailure === 'http-401') return { status: 401, text: 'unauthorized' }
  if (behaviours.authFailure === 'code-2') return jsonReply({ code: -2, message: 'Invalid token' })
  if (behaviours.authFailure === 'code-1') return jsonReply({ code: -1, message: 'Invalid token' })
  return jsonReply({ result: -2, error: 'Invalid hash' })
}
