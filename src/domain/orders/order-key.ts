import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type { Caller } from '../../core/caller.ts'
import type { RequestContext } from '../../core/context.ts'
import type { Intent } from './ledger/entry.ts'

/** A key of a customer, and what belongs to it. */
export type OrderKey = Omit<Intent, 'wanted'>

/**
 * Under which a purchase is claimed.
 * @param key the caller's Idempotency-Key, with or without the quotes of the draft
 * @param body what a repetition under the same key must repeat
 */
export const orderKeyOf = async (
  action: Intent['action'],
  key: string,
  body: object,
  { caller }: RequestContext
): Promise<OrderKey> => ({
  tenant: await tenantOf(caller),
  action,
  keyHash: createHash('sha256').update(key.replace(/^"|"$/g, '')).digest('base64url'),
  fingerprint: createHash('sha256').update(stringify(body)).digest('base64url')
})

/** The customer; the caller itself where HOSTKEY names none. */
export const tenantOf = async (caller: Caller): Promise<string> =>
  String((await caller.identity()).customerId ?? caller.id)
