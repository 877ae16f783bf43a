import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { note, type RequestContext } from '../../core/context.ts'
import type { Intent } from './ledger/entry.ts'

/** An Idempotency-Key of a customer, with the fingerprint of its request. */
export type OrderKey = Omit<Intent, 'requested'>

/**
 * The ledger's key of a request.
 * @param key the caller's Idempotency-Key, with or without the quotes of a structured field
 * @param body what a repetition with the same key must repeat
 */
export const orderKeyOf = async (
  action: Intent['action'],
  key: string,
  body: object,
  context: RequestContext
): Promise<OrderKey> => ({
  tenant: await tenantOf(context),
  action,
  keyHash: createHash('sha256').update(key.replace(/^"|"$/g, '')).digest('base64url'),
  fingerprint: createHash('sha256').update(stringify(body)).digest('base64url')
})

/** The customer; the caller itself when HOSTKEY names no customer. */
export const tenantOf = async (context: RequestContext): Promise<string> => {
  const { customerId } = await context.caller.identity('order')
  note(context, { customerId })
  return String(customerId ?? context.caller.id)
}
