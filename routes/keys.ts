import { Key, KeyPath } from '../schemas/keys.ts'
import { JSON_TYPE } from '../src/http/accept.ts'
import { answers, ignoringErrors } from '../src/http/answers.ts'
import { sendHeaders } from '../src/http/head.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { showKey } from '../src/upstream/actions/keys.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

/** The key pair of one S3 account. */
export const keyRoutes: Routes = async (app, { accounts }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/keys/:kind',
    // HEAD has a route of its own, below.
    exposeHeadRoute: false,
    config: operation({
      scope: 'keys:read',
      rate: 'key',
      account: accountInPath,
      audit: 'key.read',
      switches: ['keys'],
      target: ({ params: { kind } }) => [kind]
    }),
    schema: {
      operationId: 'getKey',
      summary: 'Read one half of the key pair',
      description:
        'Returns a credential for all buckets of the account. It has its own, strict rate limit. Never cache the reply.',
      tags: ['Keys'],
      params: KeyPath,
      response: answers({ 200: Key }, showKey, ignoringErrors(tokenInfo))
    },
    async handler(request) {
      const { s3uid, kind } = request.params
      return accounts.getKey(contextOf(request), s3uid, kind)
    }
  })

  /** Reads no key: a credential that is not sent must not be fetched. */
  app.route({
    method: 'HEAD',
    url: '/accounts/:s3uid/keys/:kind',
    config: operation({
      scope: 'keys:read',
      rate: 'read',
      account: accountInPath,
      audit: undefined,
      switches: ['keys']
    }),
    schema: { hide: true, operationId: 'headKey', params: KeyPath },
    async handler(request, reply) {
      await accounts.get(contextOf(request), request.params.s3uid)
      return sendHeaders(reply, `${JSON_TYPE}; charset=utf-8`)
    }
  })
}
