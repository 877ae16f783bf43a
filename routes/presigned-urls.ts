import { AccountPath } from '../schemas/accounts.ts'
import { BucketPath } from '../schemas/buckets.ts'
import { ref } from '../schemas/model.ts'
import { Connection, NewPresignedUrl, PresignedUrl } from '../schemas/presigned-urls.ts'
import { answers, BODY_PROBLEMS, ignoringErrors } from '../src/http/answers.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { fileInBody, NOTHING } from '../src/http/reach.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { getUsers } from '../src/upstream/actions/accounts.ts'
import { showKey } from '../src/upstream/actions/keys.ts'
import { listPlans } from '../src/upstream/actions/plans.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

/** Uploads and downloads without the key pair. */
export const presignedUrlRoutes: Routes = async (app, { directAccess }) => {
  app.route({
    method: 'POST',
    url: '/accounts/:s3uid/buckets/:bucket/presigned-urls',
    config: operation({
      scope: undefined,
      scopeByBody: {
        scopes: ['files:download', 'files:upload'],
        scopeOf: ({ operation }) => (operation === 'upload' ? 'files:upload' : 'files:download')
      },
      rate: 'presign',
      account: accountInPath,
      reach: fileInBody(({ body: { path } }) => path),
      audit: 'key.use',
      target: ({ params: { bucket }, body: { path } }) => [bucket, path]
    }),
    schema: {
      operationId: 'createPresignedUrl',
      summary: 'Create the URL of an upload or a download',
      description:
        'Signs a URL of the storage, so that a browser or a partner can upload or download one file without the key pair. Neither the bucket nor the file is looked up. The secret key does not leave the gateway. A gateway that only reads refuses uploads with `switched-off`.',
      tags: ['Files'],
      params: BucketPath,
      body: ref(NewPresignedUrl),
      response: answers(
        { 201: PresignedUrl },
        BODY_PROBLEMS,
        showKey,
        getUsers,
        listPlans,
        ignoringErrors(tokenInfo),
        'path-not-presignable',
        'switched-off',
        'endpoint-not-configured'
      )
    },
    async handler(request, reply) {
      return reply.code(201).send(await directAccess.presign(contextOf(request), request.params, request.body))
    }
  })

  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/connection',
    config: operation({
      scope: 'buckets:read',
      rate: 'read',
      account: accountInPath,
      reach: NOTHING,
      audit: undefined
    }),
    schema: {
      operationId: 'getConnection',
      summary: 'Read the endpoint of the storage',
      description: 'Endpoint, region and addressing for S3 clients. It holds no key: see `getKey`.',
      tags: ['Accounts'],
      params: AccountPath,
      response: answers({ 200: Connection }, getUsers, listPlans, 'account-not-found', 'endpoint-not-configured')
    },
    async handler(request) {
      return directAccess.getConnection(contextOf(request), request.params.s3uid)
    }
  })
}
