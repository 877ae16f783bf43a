import { AccountPath } from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { Usage } from '../schemas/usage.ts'
import { answers, versioned } from '../src/http/answers.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import { getBucketsUsage } from '../src/upstream/actions/buckets.ts'

/** Storage and traffic of one S3 account. */
export const usageRoutes: Routes = async (app, { accounts }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/usage',
    config: needs('buckets:read', 'usage'),
    schema: {
      operationId: 'getUsage',
      summary: 'Read storage and traffic',
      description:
        'HOSTKEY answers through a queue, so this is slower than a list and has its own rate limit. HOSTKEY measures from time to time: see `createdAt` of each entry in `snapshots`.',
      tags: ['Usage'],
      params: AccountPath,
      headers: VersionHeaders,
      response: answers(versioned(Usage), getBucketsUsage)
    },
    async handler(request) {
      return accounts.getUsage(contextOf(request), request.params.s3uid)
    }
  })
}
