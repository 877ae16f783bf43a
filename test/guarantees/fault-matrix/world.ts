import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../../src/upstream/actions/sessions.ts'
import { expectations, type Payload, writeOf } from './actions.ts'

/** The write that was executed, if any: later reads show it. */
export type World = ActionName | undefined

/** The successful answer of an action, without `result` and `action`. */
export const payloadOf = (action: ActionName, world?: World): Payload =>
  (world && writeOf(world)?.afterwards[action]) ?? expectations[action].payload ?? actions[action].example

export const okBody = (action: ActionName, world?: World): Buffer =>
  Buffer.from(JSON.stringify({ result: 'OK', action, ...payloadOf(action, world) }))

const { token_expire: _, ...identity } = tokenInfo.example

/** auth.php accepts every token. */
export const authReply: Buffer = Buffer.from(JSON.stringify({ result: identity }))
