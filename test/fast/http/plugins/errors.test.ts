import t from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'
import { createRawClient, openConnection, replyOf } from '../../../support/harness/raw.ts'

t.test('the router', async t => {
  const { get, send, asked } = await gateway(t)

  for (const [method, path, allow] of [
    ['PUT', '/accounts', 'GET, HEAD, POST, OPTIONS'],
    ['PATCH', '/accounts/s3_user_1', 'GET, HEAD, DELETE, OPTIONS'],
    ['HEAD', '/orders', 'POST, OPTIONS'],
    ['DELETE', '/plans', 'GET, HEAD, OPTIONS'],
    ['POST', '/accounts/s3_user_1/buckets/logs', 'DELETE, OPTIONS'],
    ['POST', '/accounts/s3_user_1/buckets/logs/files', 'GET, HEAD, DELETE, OPTIONS'],
    ['GET', '/accounts/s3_user_1/buckets/logs/files/a/b', 'DELETE, OPTIONS'],
    ['GET', '/orders', 'POST, OPTIONS'],
    ['POST', '/livez', 'GET, HEAD, OPTIONS'],
    ['TRACE', '/accounts', 'GET, HEAD, POST, OPTIONS']
  ] as const) {
    t.test(`405 method-not-allowed for ${method} ${path}`, async t => {
      const reply = await send(method, path)
      t.equal(reply.statusCode, 405)
      t.equal(reply.headers['allow'], allow)
      if (method !== 'HEAD') fails(t, reply, 405, 'method-not-allowed', { retryable: false })
    })
  }

  for (const path of ['/', '/nowhere', '/Accounts', '/accounts/s3_user_1/', '//accounts', '/v1/accounts', '/metrics']) {
    t.test(`404 route-not-found for ${path}`, async t => {
      fails(t, await get(path), 404, 'route-not-found', { retryable: false })
    })
  }

  t.test('204 for a deletion whose caller accepts only problems, as generated clients do', async t => {
    const { del } = await gateway(t)
    const headers = { accept: 'application/problem+json' }
    const { statusCode } = await del('/accounts/s3_user_1/buckets/empty-bucket', { headers })
    t.equal(statusCode, 204)
  })

  t.test('406 not-acceptable when JSON is not accepted', async t => {
    for (const accept of ['text/html', 'application/xml', 'application/json;q=0']) {
      fails(t, await get('/plans', { headers: { accept } }), 406, 'not-acceptable')
    }
    for (const accept of [
      '*/*',
      'application/*',
      'text/html, application/json;q=0.1',
      'application/json; charset=utf-8',
      'application/json;charset=UTF-8'
    ]) {
      t.equal((await get('/plans', { headers: { accept } })).statusCode, 200, accept)
    }
  })

  t.test('only accepted requests reach HOSTKEY', async t => {
    t.strictSame(new Set(asked()), new Set(['list_plans']))
  })
})

t.test('a reply', async t => {
  const { get, sandbox } = await gateway(t)
  const replies = (): [string, () => Promise<Reply>][] => [
    ['200', () => get('/plans')],
    ['400', () => get('/accounts?x=1')],
    ['401', () => get('/accounts', { token: null })],
    ['404', () => get('/nowhere')],
    ['400', () => get('/accounts/%zz')],
    [
      '502',
      () => {
        sandbox.control.fault({ kind: 'empty-500', count: 1 })
        return get('/accounts')
      }
    ]
  ]
  for (const [status, ask] of replies()) {
    t.test(`${status} has the request id, timing, limits and security headers`, async t => {
      const { statusCode, headers } = await ask()
      t.equal(String(statusCode), status)
      t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/)
      t.match(headers['server-timing'], /^queue;dur=\d+\.\d, upstream;dur=\d+\.\d, total;dur=\d+\.\d$/)
      t.match(headers['ratelimit'], /^"ip";r=\d+;t=\d+/)
      t.match(headers['ratelimit-policy'], /^"ip";q=\d+;w=\d+/)
      t.match(headers['content-security-policy'], /default-src 'none'/)
      t.equal(headers['x-content-type-options'], 'nosniff')
      t.notOk('server' in headers || 'x-powered-by' in headers)
    })
  }

  t.test('has the X-Request-Id of the caller if it is valid', async t => {
    for (const [given, isTaken] of [
      ['my-id_1.2', true],
      ['x'.repeat(64), true],
      ['x'.repeat(65), false],
      ['a b', false],
      ['a"b', false],
      ['é', false]
    ] as const) {
      const reply = await get('/nowhere', { headers: { 'x-request-id': given } })
      t.equal(reply.headers['x-request-id'] === given, isTaken, given)
      t.equal(reply.json().instance, reply.headers['x-request-id'])
    }
  })
})

t.test('the parser', async t => {
  const { url, asked } = await gateway(t)
  const raw = createRawClient(url)
  t.teardown(() => raw.close())
  const ask = raw.send

  t.test('400 malformed-url when the percent-encoding is broken', async t => {
    for (const path of ['/%', '/%zz', '/accounts/%E9', '/accounts/%C0%AF', '/plans/%']) {
      fails(t, await ask(`GET ${path} HTTP/1.1`), 400, 'malformed-url')
    }
  })

  t.test('400 malformed-url for a target with `#`', async t => {
    fails(t, await ask('GET /plans#x HTTP/1.1'), 400, 'malformed-url')
  })

  t.test('400 malformed-url for a target that is not a path', async t => {
    for (const target of ['http://elsewhere.example/plans', '*']) {
      fails(t, await ask(`GET ${target} HTTP/1.1`), 400, 'malformed-url')
    }
  })

  t.test('400 invalid-request for a request that a proxy may read differently', async t => {
    for (const request of [
      'GET /plans HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
      'GET /plans HTTP/1.1\r\nConnection: close\r\n\r\n',
      'GET /plans HTTP/1.0\r\nHost: a\r\n\r\n',
      'GET /plans HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 192.0.2.1\r\n\r\n',
      'GET /plans HTTP/2.0\r\nHost: a\r\nConnection: close\r\n\r\n',
      'GET /plans\r\n\r\n'
    ]) {
      fails(t, await answerTo(url, request), 400, 'invalid-request')
    }
  })

  t.test('200 for a probe in HTTP/1.0, and for an unknown expectation', async t => {
    t.equal((await answerTo(url, 'GET /livez HTTP/1.0\r\n\r\n')).statusCode, 200)
    t.equal((await ask('GET /livez HTTP/1.1', { expect: 'miracles' })).statusCode, 200)
  })

  for (const [what, request] of [
    ['is not HTTP', 'HELO gateway\r\n\r\n'],
    ['has an unknown method', 'FROBNICATE /plans HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['has a space in its target', 'GET /pl ans HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['has NUL in a header', 'GET /plans HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n'],
    ['has two lengths', 'POST /accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'has a length and is chunked',
      'POST /accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    ],
    ['folds a header', 'GET /plans HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n'],
    ['is TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003']
  ] as const) {
    t.test(`400 invalid-request when the request ${what}`, async t => {
      const reply = await answerTo(url, request)
      fails(t, reply, 400, 'invalid-request', { retryable: false, outcome: 'not-applied' })
      t.equal(reply.headers['connection'], 'close')
    })
  }

  t.test('none of these requests reaches HOSTKEY', async t => {
    t.strictSame(asked(), [])
  })
})

/** Sends bytes unchanged and reads until the gateway closes. */
const answerTo = async (url: string, bytes: string): Promise<Reply> =>
  replyOf(await (await openConnection(url, Buffer.from(bytes, 'latin1'))).ended)
