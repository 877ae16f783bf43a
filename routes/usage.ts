import { AccountPath } from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { Usage, UsageList } from '../schemas/usage.ts'
import { readAccountUsages } from '../src/domain/storage/account-usages.ts'
import { answers, ignoringErrors, withVersion } from '../src/http/answers.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { getUsers } from '../src/upstream/actions/accounts.ts'
import { getBucketsUsage } from '../src/upstream/actions/buckets.ts'

/** Storage and traffic of one S3 account. */
export const usageRoutes: Routes = async (app, { accounts, explain }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/usage',
    config: operation({ scope: 'buckets:read', rate: 'usage', account: accountInPath, audit: undefined }),
    schema: {
      operationId: 'getUsage',
      summary: 'Read storage and traffic',
      description:
        'HOSTKEY answers through a queue, so this is slower than a list and has its own rate limit. HOSTKEY measures from time to time: see `createdAt` of each entry in `snapshots`.',
      tags: ['Usage'],
      params: AccountPath,
      headers: VersionHeaders,
      response: answers(withVersion(Usage), getBucketsUsage)
    },
    async handler(request) {
      return accounts.getUsage(contextOf(request), request.params.s3uid)
    }
  })
  app.route({
    method: 'GET',
    url: '/usage',
    config: operation({ scope: 'buckets:read', rate: 'usage', cost: 10, account: undefined, audit: undefined }),
    schema: {
      operationId: 'listUsage',
      summary: 'Read the usage of all accounts',
      description:
        'Reads the usage of up to 100 accounts, eight at a time. An account whose usage cannot be read is in `partial` with its problem, and leaves the others as they are.',
      tags: ['Usage'],
      headers: VersionHeaders,
      response: answers(withVersion(UsageList), getUsers, ignoringErrors(getBucketsUsage))
    },
    async handler(request) {
      const { known, failed, truncated } = await readAccountUsages(accounts, contextOf(request))
      return {
        items: known.map(({ s3uid, usage: { buckets: _, snapshots: __, ...usage } }) => ({ s3uid, ...usage })),
        partial: failed.map(({ s3uid, error }) => ({ s3uid, problem: explain(error, request) })),
        truncated
      }
    }
  })
}
