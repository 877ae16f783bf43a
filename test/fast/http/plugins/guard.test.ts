import t from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { exchange } from '../../../support/harness/exchange.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { replyOf } from '../../../support/harness/raw.ts'

const FORM = 'application/x-www-form-urlencoded'

t.test('a body', async t => {
  const { url, sandbox, send, asked } = await gateway(t)
  const authorization = `Bearer ${sandbox.demo.token}`
  const ask = async (line: string, headers: Record<string, string>, body = '') => {
    const fields = Object.entries({ host: 'x', connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}`
    )
    return replyOf((await exchange(url, [[`${line} HTTP/1.1`, ...fields, '', body].join('\r\n')])).text)
  }

  t.test('that is empty is none, whatever its type', async t => {
    const types = [
      FORM,
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json',
      'a type',
      '',
      'application/xml'
    ]
    for (const [n, type] of types.entries()) {
      for (const framing of [{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }]) {
        const body = 'content-length' in framing ? '' : '0\r\n\r\n'
        const headers = { authorization, ...framing, 'content-type': type }
        const reply = await ask(`DELETE /accounts/s3_user_1/buckets/none-${n}`, headers, body)
        fails(t, reply, 404, 'bucket-not-found')
      }
    }
    const { statusCode } = await ask('GET /plans', {
      authorization,
      'content-length': '0',
      'content-type': FORM
    })
    t.equal(statusCode, 200)
  })

  t.test('that is missing is reported as missing, not by its type', async t => {
    const reply = await ask('POST /accounts/s3_user_1/buckets', {
      authorization,
      'content-length': '0',
      'content-type': FORM
    })
    fails(t, reply, 400, 'invalid-request')
  })

  t.test('415 unsupported-media-type for any other type', async t => {
    for (const [framing, body] of [
      [{ 'content-length': '3' }, 'a=b'],
      [{ 'transfer-encoding': 'chunked' }, '3\r\na=b\r\n0\r\n\r\n']
    ] as const) {
      for (const type of [FORM, 'text/plain', 'a type']) {
        const headers = { authorization, ...framing, 'content-type': type }
        const reply = await ask('DELETE /accounts/s3_user_1/buckets/logs', headers, body)
        fails(t, reply, 415, 'unsupported-media-type')
      }
    }
  })

  t.test('is not looked at when there is no such route', async t => {
    const bodies = [
      ['application/json', '{'],
      [FORM, 'a=b'],
      ['a type', 'x'],
      ['application/json', 'x'.repeat(20_000)]
    ] as const
    for (const [type, body] of bodies) {
      const headers = { 'content-type': type, 'content-length': String(body.length) }
      fails(t, await ask('POST /nowhere', headers, body), 404, 'route-not-found')
      const reply = await ask('PUT /accounts', headers, body)
      fails(t, reply, 405, 'method-not-allowed')
      t.equal(reply.headers['allow'], 'GET, HEAD, POST, OPTIONS')
    }
    const { statuses, isClosed } = await exchange(url, [
      'GET /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab'
    ])
    t.strictSame(statuses, [404], 'also of a method that has none')
    t.ok(isClosed, 'its bytes are not taken for a request')
  })

  t.test('nothing of a refused one reaches HOSTKEY', async t => {
    t.notOk(asked().includes('create_bucket'))
    t.ok(sandbox.control.calls().some(({ action }) => action === 'delete_bucket'))
  })

  t.test('OPTIONS: 204 with the methods of the path, 404 for no path', async t => {
    for (const [path, allow] of [
      ['/accounts', 'GET, HEAD, POST, OPTIONS'],
      ['/accounts/s3_user_1/buckets/logs', 'DELETE, OPTIONS'],
      ['/livez', 'GET, HEAD, OPTIONS']
    ] as const) {
      const { statusCode, headers, text } = await send('OPTIONS', path, { token: null })
      t.strictSame([statusCode, headers['allow'], text], [204, allow, ''])
    }
    fails(t, await send('OPTIONS', '/nowhere', { token: null }), 404, 'route-not-found')
  })
})

t.test('unknown query parameters: ignored by pages and probes, refused by operations', async t => {
  const { get, post, send } = await gateway(t)
  const pages = [
    '/livez',
    '/readyz',
    '/problems/internal',
    '/docs/',
    '/docs/static/swagger-ui.css',
    '/openapi.json',
    '/openapi.yaml'
  ]
  for (const path of pages) {
    for (const query of ['?utm_source=mail&x=1', '?v=%zz', '?']) {
      t.equal((await get(`${path}${query}`, { token: null })).statusCode, 200, `${path}${query}`)
    }
  }
  for (const path of ['/plans', '/session', '/accounts']) fails(t, await get(`${path}?utm=1`), 400, 'invalid-request')
  fails(t, await post('/session?utm=1', { apiKey: 'x' }, { headers: { 'x-csrf': '1' } }), 400, 'invalid-request')
  fails(t, await send('DELETE', '/session?utm=1'), 400, 'invalid-request')
})
