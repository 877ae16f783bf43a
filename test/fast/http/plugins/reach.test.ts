import t from 'tap'
import { scopes } from '../../../../schemas/scopes.ts'
import { committedDocument, operationsOf, requestOf } from '../../../support/assert/document.ts'
import { fails } from '../../../support/assert/expect.ts'
import { withServices } from '../../../support/harness/services.ts'

/** What a caller that is limited to files below `a/` of the bucket `logs` gets for the example request, and why. */
const RULES: Record<string, 'allowed' | 'refused'> = {
  getSession: 'allowed',
  createToken: 'allowed',
  listTokens: 'allowed',
  deleteToken: 'allowed',
  listBuckets: 'allowed',
  getConnection: 'allowed',
  listPlans: 'allowed',
  getPlan: 'allowed',
  listPlanHistory: 'allowed',
  // Only its own: it has none.
  listJobs: 'allowed',
  getJob: 'allowed',
  cancelJob: 'allowed',
  resumeJob: 'allowed',
  listJobResults: 'allowed',
  streamJobResults: 'allowed',
  streamJobEvents: 'allowed'
}

const all = scopes.filter(scope => scope !== 'admin')
t.test('a limited caller', async t => {
  const { send, get, post, del, as, sandbox } = await withServices(t, {
    bucket: { scopes: all, buckets: ['s3_user_1/logs'] },
    prefix: { scopes: all, buckets: ['s3_user_1/logs'], pathPrefix: 'a/' },
    every: { scopes: all, pathPrefix: 'a/' }
  })
  const { control } = sandbox
  await get('/plans', as.bucket)

  t.test('every operation is refused to a limited caller, unless it declares what it reaches', async t => {
    const operations = operationsOf(committedDocument()).filter(({ security }) => security.length > 0)
    t.ok(operations.length >= 20)
    for (const operation of operations) {
      control.clearCalls()
      const { path, headers, body } = requestOf(operation)
      const reply = await send(operation.method, path, { ...as.prefix, headers, ...(body !== undefined && { body }) })
      const isRefused = reply.statusCode === 403 && reply.text.includes('insufficient-scope')
      t.equal(
        isRefused ? 'refused' : 'allowed',
        RULES[operation.operationId] ?? 'refused',
        `${operation.operationId}: ${reply.text}`
      )
      if (isRefused) t.strictSame(control.calls(), [], `${operation.operationId} calls nothing`)
    }
  })

  t.test('the bucket is that of the credential', async t => {
    const files = '/accounts/s3_user_1/buckets/logs/files'
    t.equal((await get(files, as.bucket)).statusCode, 200)
    const listed = (await get('/accounts/s3_user_1/buckets?expand=usage', as.bucket)).json()
    t.strictSame(
      listed.items.map(({ name }: { name: string }) => name),
      ['logs']
    )
    t.notOk('bandwidth' in listed || 'snapshot' in listed)
    for (const [method, path] of [
      ['GET', '/accounts/s3_user_1/buckets/holiday-pictures/files'],
      ['DELETE', '/accounts/s3_user_1/buckets/empty-bucket'],
      ['DELETE', '/accounts/s3_user_1/buckets/holiday-pictures/files?path=x'],
      ['GET', '/accounts/s3_user_1/keys/secret-key'],
      ['GET', '/accounts/s3_user_1/usage'],
      ['GET', '/accounts']
    ] as const) {
      fails(t, await send(method, path, as.bucket), 403, 'insufficient-scope')
    }
    fails(t, await get('/accounts/s3_user_2/buckets', as.bucket), 404, 'account-not-found')
  })

  t.test('every path begins with the prefix', async t => {
    const files = '/accounts/s3_user_1/buckets/logs/files'
    for (const caller of [as.prefix, as.every]) {
      t.equal((await get(`${files}?folder=a/`, caller)).statusCode, 200)
      t.equal((await get(`${files}?folder=a/b/&recursive=true`, caller)).statusCode, 200)
      for (const query of ['', '?folder=b/', '?folder=A/', '?search=a/', '?folder=aa/']) {
        fails(t, await get(`${files}${query}`, caller), 403, 'insufficient-scope')
      }
      fails(t, await del(`${files}?path=ab`, caller), 403, 'insufficient-scope')
      fails(t, await del(`${files}/b%2Fa%2Fx`, caller), 403, 'insufficient-scope')
      fails(t, await del(`${files}?path=a/x`, caller), 404, 'file-not-found')
      fails(t, await del('/accounts/s3_user_1/buckets/logs', caller), 403, 'insufficient-scope')
      const urls = '/accounts/s3_user_1/buckets/logs/presigned-urls'
      fails(t, await post(urls, { operation: 'upload', path: 'b/x' }, caller), 403, 'insufficient-scope')
      fails(t, await post(urls, { operation: 'upload', path: 'a/../b' }, caller), 403, 'insufficient-scope')
      t.equal((await post(urls, { operation: 'upload', path: 'a/x' }, caller)).statusCode, 201)
    }
  })
})

t.test('a service calls from its networks only', async t => {
  const { get, as, auditRecords } = await withServices(
    t,
    { here: { networks: ['127.0.0.0/8', '::1/128'] }, there: { networks: ['10.0.0.0/8'] } },
    { TRUST_PROXY: '127.0.0.1' }
  )
  t.equal((await get('/accounts', as.here)).statusCode, 200)
  fails(t, await get('/accounts', as.there), 401, 'invalid-token')
  t.hasStrict(auditRecords().at(-1), { event: 'service.refused', caller: 'service:there' })
  const headers = { 'x-forwarded-for': '10.1.2.3' }
  t.equal((await get('/accounts', { ...as.there, headers })).statusCode, 200)
})
