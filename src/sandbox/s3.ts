import { park } from './callback.ts'
import type { Fields } from './php.ts'
import { invalidRequest, Refusal } from './refusal.ts'
import { authFailure, type Reply, refused, said } from './reply.ts'
import type { Context } from './rule.ts'
import { extraRules } from './rules/extras.ts'
import { rules } from './rules/index.ts'
import { customerOf } from './sessions.ts'
import type { World } from './world.ts'

/** What a script is told about a request. */
export interface Asked {
  readonly fields: Fields
  readonly ip: string
  /** Host and port of the sandbox. */
  readonly host: string
}

/** s3.php: the action first, then the token, then the fields and the account. */
export const answerS3 = (world: World, { fields, ip }: Asked): Reply => {
  const action = fields.get('action') ?? ''
  const rule = ruleOf(world, action)
  if (!rule) return refused(world, invalidRequest(action))
  const customer = customerOf(world, fields.get('token'), ip)
  if (!customer) return authFailure(world)
  const answer = rule({ world, customer, fields })
  if (answer instanceof Refusal) return refused(world, answer)
  const isQueued = action === 'get_buckets_rmq' && world.switches.rmq !== 'sync'
  return said({ result: 'OK', action, ...(isQueued ? { callback: park(world, answer) } : answer) })
}

type AnyRule = (context: Context) => object | Refusal

const ruleOf = (world: World, action: string): AnyRule | undefined => {
  const { getBuckets, extraActions } = world.switches
  if (action === 'get_buckets' && getBuckets === 'absent') return undefined
  return table.get(action) ?? (extraActions === 'on' ? extras.get(action) : undefined)
}

const table = new Map<string, AnyRule>(Object.entries(rules))
const extras = new Map<string, AnyRule>(Object.entries(extraRules))
