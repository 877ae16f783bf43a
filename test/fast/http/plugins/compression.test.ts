import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { brotliDecompressSync, createGunzip, gunzipSync } from 'node:zlib'
import t from 'tap'
import { gateway } from '../../../support/harness/gateway.ts'

const FILES = '/accounts/s3_user_1/buckets/empty-bucket/files'
const STREAM = '/accounts/s3_user_1/buckets/empty-bucket/file-stream'

t.test('compression', async t => {
  const { url, sandbox, get } = await gateway(t)
  const { control } = sandbox
  control.numberFiles('empty-bucket', 2500)
  const authorization = `Bearer ${sandbox.demo.token}`
  const raw = async (path: string, headers: Record<string, string> = {}) => {
    const [reply] = (await once(httpGet(`${url}${path}`, { headers: { authorization, ...headers } }), 'response')) as [
      IncomingMessage
    ]
    const chunks: Buffer[] = []
    for await (const chunk of reply) chunks.push(chunk)
    return { statusCode: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks) }
  }

  t.test('a large reply has the coding that is asked for', async t => {
    const plain = await raw(FILES)
    t.notOk('content-encoding' in plain.headers)
    t.match(plain.headers.vary, /Accept-Encoding/)
    for (const [accepted, coding] of [
      ['gzip', 'gzip'],
      ['br', 'br'],
      ['gzip, deflate, br', 'gzip'],
      ['gzip;q=0.1, br', 'br'],
      ['*', 'br'],
      ['deflate', undefined],
      ['gzip;q=0', undefined],
      ['identity', undefined]
    ] as const) {
      const { headers, body } = await raw(FILES, { 'accept-encoding': accepted })
      t.equal(headers['content-encoding'], coding, accepted)
      t.equal(Number(headers['content-length']), body.length)
      t.equal(headers.etag, plain.headers.etag, 'the version is weak: the coding does not change it')
      const text = coding === 'gzip' ? gunzipSync(body) : coding === 'br' ? brotliDecompressSync(body) : body
      t.strictSame(text, plain.body)
    }
    const { etag = '' } = plain.headers
    for (const sent of [
      etag,
      etag.replace(/"$/, '-gzip"'),
      `"x", ${etag.replace(/^W\//, '').replace(/"$/, '-br"')}`,
      '*'
    ]) {
      t.equal((await raw(FILES, { 'accept-encoding': 'gzip', 'if-none-match': sent })).statusCode, 304, sent)
    }
  })

  t.test('a small reply and a credential are sent as they are', async t => {
    // A key that is long enough to be compressed.
    for (const path of ['/session', '/accounts/s3_user_1/keys/secret-key']) {
      const { headers } = await raw(path, { 'accept-encoding': 'gzip' })
      t.notOk('content-encoding' in headers, path)
    }
  })

  t.test('lines arrive page by page', async t => {
    control.fault({ kind: 'latency', ms: 400, action: 'search_bucket_objects', after: 1, count: 1 })
    const headers = { authorization, 'accept-encoding': 'gzip' }
    const [reply] = (await once(httpGet(`${url}${STREAM}`, { headers }), 'response')) as [IncomingMessage]
    t.equal(reply.headers['content-encoding'], 'gzip')
    const lines = reply.pipe(createGunzip())
    const [first] = (await once(lines, 'data')) as [Buffer]
    const calls = control.calls().length
    t.match(String(first), /^\{"file":/)
    let rest = ''
    for await (const chunk of lines) rest += chunk
    t.ok(control.calls().length > calls, 'the first lines came before the last page was asked for')
    t.match(rest, /\{"end":\{"nextCursor":null,"complete":true\}\}\n$/)
  })

  t.test('the document: strong versions, public, for any page', async t => {
    for (const [path, type] of [
      ['/openapi.json', 'application/json'],
      ['/openapi.yaml', 'application/yaml']
    ] as const) {
      const plain = await raw(path)
      t.match(plain.headers, {
        etag: /^"[\w-]+"$/,
        'cache-control': 'public, max-age=300',
        'access-control-allow-origin': '*',
        vary: /Accept-Encoding/
      })
      t.match(plain.headers['content-type'], type)
      const zipped = await raw(path, { 'accept-encoding': 'gzip' })
      t.strictSame(gunzipSync(zipped.body), plain.body)
      t.not(zipped.headers.etag, plain.headers.etag, 'a strong version for each coding')
      for (const etag of [plain.headers.etag, zipped.headers.etag]) {
        const { statusCode, body, headers } = await raw(path, { 'if-none-match': etag ?? '' })
        t.strictSame([statusCode, body.length, headers['cache-control']], [304, 0, 'public, max-age=300'])
      }
    }
    t.equal((await get('/openapi.json', { headers: { 'if-none-match': '"other"' } })).statusCode, 200)
  })
})
