import type { Static } from 'typebox'
import { type Account, type AccountList, type AccountQuery, MAX_ACCOUNTS } from '../../../schemas/accounts.ts'
import type { Key } from '../../../schemas/keys.ts'
import type { Termination } from '../../../schemas/terminations.ts'
import type { Usage } from '../../../schemas/usage.ts'
import { type Caller, mayUse, noSuchAccount } from '../../core/caller.ts'
import type { RequestContext } from '../../core/context.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { toInstant } from '../../core/timestamps.ts'
import { isLong, nextTurn } from '../../core/turns.ts'
import { deleteAccount, getUsers } from '../../upstream/actions/accounts.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { getBucketsUsage } from '../../upstream/actions/buckets.ts'
import { showKey } from '../../upstream/actions/keys.ts'
import { cancelPaymentAccountDeletion, deletePaymentAccount } from '../../upstream/actions/terminations.ts'
import { toFilter } from './account-filter.ts'
import type { StorageParts } from './storage-parts.ts'
import { toUsage } from './usage.ts'
import { deleteVerified } from './verified-deletion.ts'

/** The S3 accounts of the customer. */
export interface Accounts {
  list(context: RequestContext, query: Static<typeof AccountQuery>): Promise<AccountList>
  /** @throws Problem account-not-found */
  get(context: RequestContext, s3uid: string): Promise<Account>
  /** Deletes the account with its buckets and files. @throws Problem account-not-found; of the action */
  delete(context: RequestContext, s3uid: string): Promise<void>
  /** Schedules the end of a paid account. No read shows it, so a lost answer stays unknown. @throws Problem of the action */
  terminate(context: RequestContext, s3uid: string): Promise<Termination>
  /** Withdraws it. @throws Problem of the action */
  cancelTermination(context: RequestContext, s3uid: string): Promise<void>
  /** Reads one half of the key pair. Each call discloses a credential. */
  getKey(context: RequestContext, s3uid: string, kind: Key['kind']): Promise<Key>
  getUsage(context: RequestContext, s3uid: string): Promise<Usage>
}

export interface AccountParts extends Pick<StorageParts, 'upstream' | 'recentWrites' | 'verifyDelaysMs'> {
  /** Called after a deletion; never rejects. */
  onDeleted: (context: RequestContext, s3uid: string) => Promise<void>
  /** The accounts that the caller has ordered itself. */
  listOrderedBy: (caller: Caller) => Promise<ReadonlySet<string>>
}

export const createAccounts = ({
  upstream,
  recentWrites,
  verifyDelaysMs,
  onDeleted,
  listOrderedBy
}: AccountParts): Accounts => ({
  async list(context, { location, limit: requested, ...filter }) {
    const { caller } = context
    // HOSTKEY applies its limit before the gateway filters: with a filter of ours, the limit is ours too.
    const upstreamLimit = location === undefined && caller.accounts === undefined ? requested : undefined
    const { s3_users } = await upstream.call(getUsers, toFilter(filter, upstreamLimit), context)
    const ordered = await listOrderedBy(caller)
    const limit = requested ?? MAX_ACCOUNTS
    const found = s3_users.filter(
      user =>
        (mayUse(caller, user.s3uid) || ordered.has(user.s3uid)) &&
        (location === undefined || user.location === location)
    )
    if (isLong(found)) await nextTurn()
    return { items: found.slice(0, limit).map(toAccount), truncated: found.length >= limit }
  },

  async get(context, s3uid) {
    const { s3_users } = await upstream.call(getUsers, { s3uid }, context)
    const found = s3_users.find(user => user.s3uid === s3uid)
    if (!found) throw noSuchAccount()
    return toAccount(found)
  },

  async delete(context, s3uid) {
    const deletion = {
      send: () => upstream.call(deleteAccount, { s3uid }, context),
      isGone: async (context: RequestContext) => {
        const { s3_users } = await upstream.call(getUsers, { s3uid }, context)
        return !s3_users.some(account => account.s3uid === s3uid)
      },
      verifyDelaysMs
    }
    await recentWrites.runDeletion(context.caller, [s3uid], () => deleteVerified(deletion, context))
    await onDeleted(context, s3uid)
  },

  async terminate(context, s3uid) {
    const { message } = await upstream.call(deletePaymentAccount, { s3uid }, context)
    return { effectiveAt: toInstant(message?.cancellation_date) ?? null }
  },

  async cancelTermination(context, s3uid) {
    await upstream.call(cancelPaymentAccountDeletion, { s3uid }, context)
  },

  async getKey(context, s3uid, kind) {
    const s3_key = kind === 'access-key' ? 'access_key' : 'secret_key'
    const { key } = await upstream.call(showKey, { s3uid, s3_key }, context)
    return { kind, value: key }
  },

  getUsage: async (context, s3uid) => toUsage(await upstream.call(getBucketsUsage, { s3uid }, context), Date.now())
})

const toAccount = (theirs: Result<typeof getUsers>['s3_users'][number]): Account =>
  optionalMembers({
    s3uid: theirs.s3uid,
    id: theirs.id,
    email: theirs.email,
    planId: theirs.plan_id,
    location: theirs.location,
    quotaBytes: theirs.quota,
    storageBytes: theirs.storage_usage,
    traffic: theirs.traffic
  })
