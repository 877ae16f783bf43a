import { invalidRequest, Refusal } from './refusal.ts'
import { authFailureReply, jsonReply, type Reply, refusalReply } from './reply.ts'
import type { RuleContext } from './rule.ts'
import { rules } from './rules/index.ts'
import type { ScriptRequest } from './script-request.ts'
import { customerOf } from './sessions.ts'
import type { State } from './state.ts'
import { enqueueTask } from './tasks.ts'

/** s3.php: checks the action first, then the token, then the fields and the account. */
export const handleS3 = (state: State, { fields, ip }: ScriptRequest): Reply => {
  const action = fields.get('action') ?? ''
  const rule = ruleOf(state, action)
  if (!rule) return refusalReply(state, invalidRequest(action))
  const customer = customerOf(state, fields.get('token'), ip)
  if (!customer) return authFailureReply(state)
  const result = rule({ state, customer, fields })
  if (result instanceof Refusal) return refusalReply(state, result)
  const isQueued = action === 'get_buckets_rmq' && state.behaviours.rmq !== 'sync'
  return jsonReply({ result: 'OK', action, ...(isQueued ? { callback: enqueueTask(state, result) } : result) })
}

type AnyRule = (context: RuleContext) => object | Refusal

const ruleOf = (state: State, action: string): AnyRule | undefined => {
  const { getBuckets, terminations } = state.behaviours
  if (action === 'get_buckets' && getBuckets === 'absent') return undefined
  if (action.includes('payment_account') && terminations === 'absent') return undefined
  return rulesByName.get(action)
}

const rulesByName = new Map<string, AnyRule>(Object.entries(rules))
