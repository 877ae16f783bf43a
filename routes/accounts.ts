import { Type } from 'typebox'
import {
  Account,
  AccountList,
  AccountPath,
  AccountQuery,
  CreatedAccount,
  DeletionHeaders,
  NewAccount
} from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { ref } from '../schemas/model.ts'
import { IdempotencyKey } from '../schemas/scalars.ts'
import { NoContent } from '../schemas/status.ts'
import { Problem } from '../src/core/problem.ts'
import { answers, BODY_PROBLEMS, ignoringErrors, withHeaders, withVersion } from '../src/http/answers.ts'
import { writeInTurns } from '../src/http/long-lists.ts'
import { accountInPath, idempotencyKeyIn, operation } from '../src/http/operation.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { createAccount, deleteAccount, getUsers } from '../src/upstream/actions/accounts.ts'
import { getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'
import { listPlans } from '../src/upstream/actions/plans.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

const AccountHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) })

/** The S3 accounts of the customer. */
export const accountRoutes: Routes = async (app, { accounts, orders, links }) => {
  app.route({
    method: 'GET',
    url: '/accounts',
    config: operation({
      scope: 'accounts:read',
      adminQuery: ['customerId', 'email', 'billing'],
      rate: 'read',
      account: undefined,
      audit: undefined
    }),
    schema: {
      operationId: 'listAccounts',
      summary: 'List accounts',
      description:
        'HOSTKEY supports a limit but no cursor: `truncated` reports that there may be more accounts. The gateway itself filters by `location`.',
      tags: ['Accounts'],
      querystring: AccountQuery,
      headers: VersionHeaders,
      response: answers(withVersion(AccountList), getUsers, tokenInfo)
    },
    preSerialization: writeInTurns,
    async handler(request) {
      return accounts.list(contextOf(request), request.query)
    }
  })

  app.route({
    method: 'GET',
    url: '/accounts/:s3uid',
    config: operation({ scope: 'accounts:read', rate: 'read', account: accountInPath, audit: undefined }),
    schema: {
      operationId: 'getAccount',
      summary: 'Read an account',
      description:
        'Returns one account of the customer. An account of another customer is 404, like one that does not exist.',
      tags: ['Accounts'],
      params: AccountPath,
      headers: VersionHeaders,
      response: answers(withVersion(Account), getUsers, 'account-not-found')
    },
    async handler(request) {
      return accounts.get(contextOf(request), request.params.s3uid)
    }
  })

  app.route({
    method: 'POST',
    url: '/accounts',
    config: operation({
      scope: 'accounts:write',
      rate: 'order',
      account: undefined,
      audit: 'account.create',
      auditReplay: 'account.replay',
      switches: ['accountCreation', 'writes'],
      target: ({ body: { bucketName } }) => [bucketName],
      isRepetition: request => orders.isRepetition(contextOf(request), 'create_account', idempotencyKeyIn(request))
    }),
    schema: {
      operationId: 'createAccount',
      summary: 'Create a free account',
      description:
        'Creates a free account with its first bucket. HOSTKEY may rename the bucket: `bucket` is the actual name.',
      tags: ['Accounts'],
      headers: AccountHeaders,
      body: ref(NewAccount),
      response: answers(
        { 201: withHeaders(CreatedAccount, 'Location', 'Idempotency-Replayed') },
        BODY_PROBLEMS,
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
      const idempotencyKey = request.headers['idempotency-key']
      const created = await orders.createFreeAccount(contextOf(request), idempotencyKey, request.body)
      if (created.isReplayed) reply.header('idempotency-replayed', 'true')
      return reply.code(201).header('location', links.account(created.account.s3uid)).send(created.account)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid',
    config: operation({
      scope: 'accounts:delete',
      rate: 'delete',
      account: accountInPath,
      audit: 'account.delete',
      switches: ['accountDeletion', 'writes']
    }),
    schema: {
      operationId: 'deleteAccount',
      summary: 'Delete an account with all its data',
      description:
        'Deletes the account, its buckets and all their files. This cannot be undone. Needs the header `Confirm-Delete` with the name in the URL.',
      tags: ['Accounts'],
      params: AccountPath,
      headers: DeletionHeaders,
      response: answers(
        { 204: NoContent },
        BODY_PROBLEMS,
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
      await accounts.delete(contextOf(request), s3uid)
      return reply.code(204).send(null)
    }
  })
}
