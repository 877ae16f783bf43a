import t from 'tap'
import { request } from 'undici'
import { openapiDocument } from '../../../scripts/docs/openapi.ts'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const operationsOf = ({ paths }: { paths: Record<string, object> }): string[] =>
  Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method} ${path}`))

t.test('operations of a switch have no route and are not in the document', async t => {
  const { url, get, post, del, send, asked } = await gateway(t, { ORDERS: 'off', KEYS: 'off', BASE_PATH: '/storage' })
  fails(t, await post('/orders/checks', {}), 403, 'switched-off')
  fails(t, await post('/orders', {}, { token: null }), 403, 'switched-off')
  fails(t, await get('/accounts/s3_user_1/keys/secret'), 403, 'switched-off')
  t.equal((await send('HEAD', '/accounts/s3_user_1/keys/secret')).statusCode, 403)
  t.same(asked(), [], 'nothing was asked at HOSTKEY')
  t.notMatch((await send('OPTIONS', '/orders')).headers['allow'], /POST/)
  fails(t, await send('PUT', '/accounts/s3_user_1/keys/secret'), 404, 'route-not-found')
  t.equal((await del('/accounts/s3_user_1/buckets/none')).statusCode, 404)
  const served = await (await request(`${url}/openapi.json`)).body.text()
  const operations = operationsOf(JSON.parse(served))
  t.notMatch(operations.join('\n'), /post \/orders|keys/)
  t.match(operations.join('\n'), /get \/orders\/\{orderId\}/)
})

t.test('each switch removes these operations, and no other', async t => {
  const all = operationsOf((await openapiDocument({})).document)
  const removedBy = async (name: string) => {
    const left = new Set(operationsOf((await openapiDocument({ [name]: 'off' })).document))
    return all.filter(operation => !left.has(operation)).sort()
  }
  t.strictSame(await removedBy('ORDERS'), ['post /orders', 'post /orders/checks'])
  t.strictSame(await removedBy('ACCOUNT_CREATION'), ['post /accounts'])
  t.strictSame(await removedBy('ACCOUNT_DELETION'), [
    'delete /accounts/{s3uid}',
    'delete /accounts/{s3uid}/termination',
    'put /accounts/{s3uid}/termination'
  ])
  t.strictSame(
    await removedBy('KEYS'),
    all.filter(operation => operation.includes('/keys'))
  )
})

t.test('WRITES=off leaves what reads, presigned URLs of downloads, sessions and tokens', async t => {
  const { document } = await openapiDocument({ WRITES: 'off' })
  t.same(
    operationsOf(document).filter(operation => !operation.startsWith('get ')),
    [
      'post /session',
      'delete /session',
      'delete /sessions',
      'post /tokens',
      'delete /tokens/{tokenId}',
      'delete /sessions/{sessionId}',
      'post /accounts/{s3uid}/buckets/{bucket}/presigned-urls'
    ]
  )
  const { post, asked } = await gateway(t, { WRITES: 'off' })
  fails(
    t,
    await post('/accounts/s3_user_1/buckets/logs/presigned-urls', { operation: 'upload', path: 'a.txt' }),
    403,
    'switched-off'
  )
  t.notOk(asked().includes('show_key'), 'no key is read')
  t.equal(
    (await post('/accounts/s3_user_1/buckets/logs/presigned-urls', { operation: 'download', path: 'a.txt' }))
      .statusCode,
    201
  )
})
