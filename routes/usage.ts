import { AccountPath } from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { Usage } from '../schemas/usage.ts'
import { answers, withVersion } from '../src/http/answers.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { getBucketsUsage } from '../src/upstream/actions/buckets.ts'

/** Storage and traffic of one S3 account. */
export const usageRoutes: Routes = async (app, { accounts }) => {
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
}
