import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type { Caller } from '../../core/caller.ts'
import { note, type RequestContext } from '../../core/context.ts'
import type { Entry, Intent } from './ledger/entry.ts'

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
  ...(hasOwnKeys(context.caller) && { service: context.caller.id }),
  keyHash: createHash('sha256').update(key.replace(/^"|"$/g, '')).digest('base64url'),
  fingerprint: createHash('sha256').update(stringify(body)).digest('base64url')
})

/** Do the keys of the caller belong to it alone? Those of other callers belong to their customer. */
export const hasOwnKeys = ({ authScheme }: Caller): boolean => authScheme === 'service' || authScheme === 'token'

/** May the caller see the order? A service or a token with a list of accounts sees its own orders, and those of its accounts. */
export const maySee = ({ accounts, id }: Caller, { intent, created }: Entry): boolean =>
  accounts === undefined || intent.service === id || (created !== undefined && accounts.has(created.s3uid))

/** The customer; the caller itself when HOSTKEY names no customer. */
export const tenantOf = async (context: RequestContext): Promise<string> => {
  const { customerId } = await context.caller.identity('order')
  note(context, { customerId })
  return String(customerId ?? context.caller.id)
}
