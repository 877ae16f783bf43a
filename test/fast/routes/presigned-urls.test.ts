import { randomUUID } from 'node:crypto'
import t from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { withServices } from '../../support/harness/services.ts'

const URLS = '/accounts/s3_user_1/buckets/logs/presigned-urls'

t.test('POST …/presigned-urls', async t => {
  const { post, asked, sandbox, auditRecords } = await gateway(t, { PUBLIC_URL: 'https://gateway.example.com/' })
  const { control } = sandbox
  t.beforeEach(() => control.clearCalls())

  t.test('201 signs a download; the key pair is read once, later only which key is in use', async t => {
    const reply = await post(URLS, { operation: 'download', path: 'a b+c.txt', downloadName: 'é.txt' })
    t.equal(reply.statusCode, 201, reply.text)
    t.equal(reply.headers['cache-control'], 'no-store')
    const { url, method, headers, expiresAt } = reply.json()
    t.match(url, /^https:\/\/s3-nl\.hostkey\.com\/logs\/a%20b%2Bc\.txt\?/)
    t.strictSame([method, headers], ['GET', {}])
    const query = new URL(url).searchParams
    t.equal(query.get('X-Amz-Expires'), '300')
    t.equal(query.get('response-content-disposition'), `attachment; filename="_.txt"; filename*=UTF-8''%C3%A9.txt`)
    t.match(query.get('X-Amz-Credential'), new RegExp(`^${control.state().accounts[0]?.accessKey}/\\d{8}/nl/s3/`))
    t.ok(Math.abs(Date.parse(expiresAt) - Date.now() - 300_000) < 5000, expiresAt)
    const first = control.calls().map(({ action, fields }) => fields['s3_key'] ?? action)
    t.strictSame(first, ['info', 'access_key', 'get_users', 'secret_key'])
    control.clearCalls()
    t.equal((await post(URLS, { operation: 'download', path: 'other' })).statusCode, 201)
    t.strictSame(
      control.calls().map(({ fields }) => fields['s3_key']),
      ['access_key']
    )
    t.hasStrict(auditRecords().at(-1), { event: 'key.use', outcome: 'ok', s3uid: 's3_user_1', target: 'logs/other' })
  })

  t.test('201 signs the type and the size of an upload', async t => {
    const upload = {
      operation: 'upload',
      path: 'a.png',
      contentType: 'image/png',
      contentLength: 17,
      expiresInSeconds: 9
    }
    const { url, method, headers } = (await post(URLS, upload)).json()
    t.strictSame([method, headers], ['PUT', { 'content-type': 'image/png', 'content-length': '17' }])
    t.equal(new URL(url).searchParams.get('X-Amz-SignedHeaders'), 'content-length;content-type;host')
    t.equal(new URL(url).searchParams.get('X-Amz-Expires'), '9')
  })

  t.test('201 with another URL once the key pair is replaced', async t => {
    const before = (await post(URLS, { operation: 'download', path: 'x' })).json()
    control.rotateKeys('s3_user_1')
    control.clearCalls()
    const after = (await post(URLS, { operation: 'download', path: 'x' })).json()
    const keyIn = (url: string) => new URL(url).searchParams.get('X-Amz-Credential')?.split('/')[0]
    t.not(keyIn(after.url), keyIn(before.url))
    t.equal(keyIn(after.url), control.state().accounts[0]?.accessKey)
    t.strictSame(
      control.calls().map(({ action, fields }) => fields['s3_key'] ?? action),
      ['access_key', 'get_users', 'secret_key']
    )
  })

  t.test('400 invalid-request for members of the other operation, and for a path of too many bytes', async t => {
    const faults: [object, string][] = [
      [{ operation: 'download', path: 'x', contentType: 'text/plain' }, '/contentType'],
      [{ operation: 'download', path: 'x', contentLength: 1 }, '/contentLength'],
      [{ operation: 'upload', path: 'x', downloadName: 'y' }, '/downloadName'],
      [{ operation: 'upload', path: 'é'.repeat(513) }, '/path'],
      [{ operation: 'upload', path: '' }, '/path'],
      [{ operation: 'upload', path: 'x', expiresInSeconds: 3601 }, '/expiresInSeconds'],
      [{ operation: 'upload', path: 'x', contentType: 'text/plain\r\nx: y' }, '/contentType'],
      [{ operation: 'download', path: 'x', downloadName: '../y' }, '/downloadName']
    ]
    for (const [body, pointer] of faults) {
      fails(t, await post(URLS, body), 400, 'invalid-request', { errors: [{ in: 'body', pointer }] })
    }
    t.strictSame(
      asked().filter(action => action !== 'info'),
      []
    )
  })

  t.test('404 account-not-found for another customer’s account, also while its key is kept', async t => {
    t.equal((await post(URLS, { operation: 'download', path: 'x' })).statusCode, 201)
    const reply = await post(URLS, { operation: 'download', path: 'x' }, { token: control.tokenOf('other') })
    fails(t, reply, 404, 'account-not-found')
  })

  t.test('422 path-not-presignable where a client would rewrite the URL', async t => {
    for (const path of ['.', '..', 'a/../b', 'a/./b', '../up.txt', 'a/..']) {
      fails(t, await post(URLS, { operation: 'download', path }), 422, 'path-not-presignable')
    }
    t.equal((await post(URLS, { operation: 'download', path: 'dots...txt/.hidden/..x' })).statusCode, 201)
  })
})

t.test('403 insufficient-scope when the body needs another scope than the caller has', async t => {
  const { post, as } = await withServices(t, {
    reader: { scopes: ['files:download'] },
    writer: { scopes: ['files:upload'] }
  })
  t.equal((await post(URLS, { operation: 'download', path: 'x' }, as.reader)).statusCode, 201)
  t.equal((await post(URLS, { operation: 'upload', path: 'x' }, as.writer)).statusCode, 201)
  const [upload, download] = [
    await post(URLS, { operation: 'upload', path: 'x' }, as.reader),
    await post(URLS, { operation: 'download', path: 'x' }, as.writer)
  ]
  fails(t, upload, 403, 'insufficient-scope', { detail: 'This operation needs the scope files:upload.' })
  fails(t, download, 403, 'insufficient-scope', { detail: 'This operation needs the scope files:download.' })
})

t.test('the endpoint is that of the location and the storage type', async t => {
  const endpointOf = async (endpoints: string) => {
    const { get } = await gateway(t, { STORAGE_ENDPOINTS: endpoints })
    const reply = await get('/accounts/s3_user_1/connection')
    return reply.statusCode === 200 ? reply.json().endpoint : reply.json().type.split('/').at(-1)
  }
  t.equal(await endpointOf('NL=https://a.example|nl,NL:cold=https://b.example|nl'), 'https://a.example')
  t.equal(await endpointOf('NL:standard=https://b.example|nl,NL=https://a.example|nl'), 'https://b.example')
  t.equal(await endpointOf('NL:cold=https://b.example|nl'), 'endpoint-not-configured')
  t.equal(await endpointOf('DE=https://a.example|de'), 'endpoint-not-configured')
  t.equal(await endpointOf(''), 'endpoint-not-configured')
})

t.test('GET …/connection', async t => {
  const { get, sandbox } = await gateway(t)
  const reply = await get('/accounts/s3_user_1/connection')
  succeeds(t, reply, 200, { ...reply.json(), endpoint: 'https://s3-nl.hostkey.com', region: 'nl', addressing: 'path' })
  fails(t, await get('/accounts/s3_user_2/connection'), 404, 'account-not-found')
  t.notOk(sandbox.control.calls().some(({ action }) => action === 'show_key'))
})

t.test('the storage takes what a URL was signed for, and the gateway lists and deletes it', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const endpoints = { STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl` }
  const { post, get, del } = await gateway(t, endpoints, { sandbox })
  const urls = '/accounts/s3_user_1/buckets/empty-bucket/presigned-urls'
  const files = '/accounts/s3_user_1/buckets/empty-bucket/files'
  const sign = async (body: object) => (await post(urls, body)).json()
  const path = 'reports/May (1) + é.png'
  const upload = await sign({ operation: 'upload', path, contentType: 'image/png', contentLength: 5 })
  const put = async (headers: Record<string, string>, body: string) => {
    const { statusCode, body: answer } = await request(upload.url, { method: upload.method, headers, body })
    await answer.dump()
    return statusCode
  }
  t.equal(await put({ 'content-type': 'image/png' }, '123456'), 403, 'another length')
  t.equal(await put({ 'content-type': 'text/html' }, '12345'), 403, 'another type')
  t.equal(await put({ 'content-type': 'image/png' }, '12345'), 200)

  const [listed] = (await get(`${files}?folder=reports/`)).json().items
  t.match(listed, { path, sizeBytes: 5 })
  const usage = (await get('/accounts/s3_user_1/usage')).json().buckets
  t.equal(usage.find(({ name }: { name: string }) => name === 'empty-bucket').storageBytes, 5)

  const { url } = await sign({ operation: 'download', path, downloadName: 'May.png' })
  const download = await request(url)
  t.equal(await download.body.text(), '12345')
  t.equal(download.headers['content-disposition'], `attachment; filename="May.png"; filename*=UTF-8''May.png`)
  t.equal((await del(`${files}?path=${encodeURIComponent(path)}`)).statusCode, 204)
  t.equal((await request(url)).statusCode, 404)
})
