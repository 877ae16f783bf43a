import { Type } from 'typebox'
import { Account, AccountList, AccountPath, AccountQuery, CreatedAccount, NewAccount } from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { describe, ref } from '../schemas/model.ts'
import { IdempotencyKey, S3Uid } from '../schemas/scalars.ts'
import { NoContent } from '../schemas/status.ts'
import { mayUse, noSuchAccount } from '../src/core/caller.ts'
import type { RequestContext } from '../src/core/context.ts'
import { Problem } from '../src/core/problem.ts'
import { defined } from '../src/core/without-undefined.ts'
import { createdAccount, toCreatedAccount } from '../src/domain/orders/account-creation.ts'
import { checkedOffer } from '../src/domain/orders/offers.ts'
import { tenantOf } from '../src/domain/orders/order-key.ts'
import { toFilter } from '../src/domain/storage/account-filter.ts'
import { deleted } from '../src/domain/storage/verified-deletion.ts'
import { answers, BODY, ignoringErrors, sends, versioned } from '../src/http/answers.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import { createAccount, deleteAccount, getUsers } from '../src/upstream/actions/accounts.ts'
import type { Result } from '../src/upstream/actions/action.ts'
import { getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'
import { listPlans } from '../src/upstream/actions/plans.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

const AccountHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) })

/** The S3 accounts of the customer. */
export const accounts: Routes = async (app, { upstream, ordering, ledger, recentWrites, mount, verifyDelaysMs }) => {
  app.route({
    method: 'GET',
    url: '/accounts',
    config: needs('accounts:read', 'read', { adminQuery: ['customerId', 'email', 'billing'] }),
    schema: {
      operationId: 'listAccounts',
      summary: 'List accounts',
      description:
        'HOSTKEY supports a limit but no cursor: `truncated` reports that there may be more accounts. The gateway itself filters by `location`.',
      tags: ['Accounts'],
      querystring: AccountQuery,
      headers: VersionHeaders,
      response: answers(versioned(AccountList), getUsers, tokenInfo)
    },
    async handler(request) {
      const { location, limit, ...filter } = request.query
      const { caller } = contextOf(request)
      // What the gateway filters by itself, HOSTKEY must not count: its limit would cut the list before ours.
      const upstreamLimit = location === undefined && caller.accounts === undefined ? limit : undefined
      const { s3_users } = await upstream.call(getUsers, toFilter(filter, upstreamLimit), contextOf(request))
      const found = s3_users.filter(
        user => mayUse(caller, user.s3uid) && (location === undefined || user.location === location)
      )
      const items = found.slice(0, limit).map(toAccount)
      return { items, truncated: limit !== undefined && found.length >= limit }
    }
  })

  app.route({
    method: 'GET',
    url: '/accounts/:s3uid',
    config: needs('accounts:read', 'read'),
    schema: {
      operationId: 'getAccount',
      summary: 'Read an account',
      description:
        'Returns one account of the customer. An account of another customer is 404, like one that does not exist.',
      tags: ['Accounts'],
      params: AccountPath,
      headers: VersionHeaders,
      response: answers(versioned(Account), getUsers, 'account-not-found')
    },
    async handler(request) {
      const { s3uid } = request.params
      const { s3_users } = await upstream.call(getUsers, { s3uid }, contextOf(request))
      const found = s3_users.find(user => user.s3uid === s3uid)
      if (!found) throw noSuchAccount()
      return toAccount(found)
    }
  })

  app.route({
    method: 'POST',
    url: '/accounts',
    config: needs('accounts:write', 'order', { audit: 'account.create' }),
    schema: {
      operationId: 'createAccount',
      summary: 'Create a free account',
      description:
        'Creates a free account with its first bucket. The gateway sends the request to HOSTKEY at most once. HOSTKEY may rename the bucket: `bucket` is the actual name.',
      tags: ['Accounts'],
      headers: AccountHeaders,
      body: ref(NewAccount),
      response: answers(
        { 201: sends(CreatedAccount, 'Location', 'Idempotency-Replayed') },
        BODY,
        tokenInfo,
        listPlans,
        getUsers,
        createAccount,
        ignoringErrors(getBuckets),
        ignoringErrors(getBucketsUsage),
        'plan-not-orderable',
        'location-not-offered',
        'idempotency-in-progress',
        'idempotency-key-reused',
        'probable-duplicate-order'
      )
    },
    async handler(request, reply) {
      const { planId, bucketName } = request.body
      const context = contextOf(request)
      const check = async () => {
        const { location } = await checkedOffer(upstream, 'free', request.body, context)
        return { planId, bucketName, location }
      }
      const { made, wanted, isReplayed } = await createdAccount(
        { ordering, mount },
        {
          how: { upstream, action: createAccount, verifyDelaysMs },
          idempotencyKey: request.headers['idempotency-key'],
          body: request.body,
          check
        },
        context
      )
      if (isReplayed) reply.header('idempotency-replayed', 'true')
      return reply
        .code(201)
        .header('location', `${mount}/accounts/${encodeURIComponent(made.s3uid)}`)
        .send(toCreatedAccount(made, wanted))
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid',
    config: needs('accounts:delete', 'delete', { audit: 'account.delete' }),
    schema: {
      operationId: 'deleteAccount',
      summary: 'Delete an account with all its data',
      description:
        'Deletes the account, its buckets and all their files. This cannot be undone. Needs the header `Confirm-Delete` with the name in the URL.',
      tags: ['Accounts'],
      params: AccountPath,
      headers: Type.Object({ 'confirm-delete': describe(S3Uid, 'Name of the account, exactly as in the URL.') }),
      response: answers(
        { 204: NoContent },
        BODY,
        deleteAccount,
        ignoringErrors(getUsers),
        ignoringErrors(tokenInfo),
        'confirmation-required',
        'confirmation-mismatch'
      )
    },
    async handler(request, reply) {
      const { s3uid } = request.params
      if (request.headers['confirm-delete'] !== s3uid) {
        throw new Problem('confirmation-mismatch', 'The header Confirm-Delete names another account than the URL.')
      }
      const context = contextOf(request)
      const send = () => upstream.call(deleteAccount, { s3uid }, context)
      await recentWrites.removing(context.caller, [s3uid], () =>
        deleted({ upstream, target: { s3uid }, send, verifyDelaysMs }, context)
      )
      await forget(context, s3uid)
      return reply.code(204).send(null)
    }
  })

  /** The same bucket name may be ordered again. A ledger that is away forgets by itself within a day. */
  const forget = (context: RequestContext, s3uid: string) =>
    tenantOf(context.caller)
      .then(tenant => ledger.forget(tenant, s3uid))
      .catch(() => undefined)
}

const toAccount = (theirs: Result<typeof getUsers>['s3_users'][number]): Account =>
  defined({
    s3uid: theirs.s3uid,
    id: theirs.id,
    email: theirs.email,
    planId: theirs.plan_id,
    location: theirs.location,
    quotaBytes: theirs.quota,
    storageBytes: theirs.storage_usage,
    traffic: theirs.traffic
  })
