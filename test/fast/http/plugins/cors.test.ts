import t from 'tap'
import { committedDocument, operationsOf } from '../../../support/assert/document.ts'
import { fails } from '../../../support/assert/expect.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { exchange } from '../../../support/harness/exchange.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const ORIGIN = 'https://console.example'
const PREFLIGHT = {
  origin: ORIGIN,
  'access-control-request-method': 'DELETE',
  'access-control-request-headers': 'x-csrf'
}

/** A preflight is not an operation of the document, so the harness does not compare it. */
const REFUSED = { status: 403, type: /^application\/problem\+json/, body: { name: 'csrf-rejected' } }

t.test('a preflight request', async t => {
  const { url, send, lines, sandbox } = await gateway(t, { ALLOWED_ORIGINS: `${ORIGIN},capacitor://localhost` })
  const preflight = async (path: string, headers: Record<string, string>) => {
    const reply = await fetch(`${url}${path}`, { method: 'OPTIONS', headers })
    const text = await reply.text()
    return { status: reply.status, received: Object.fromEntries(reply.headers), body: text && JSON.parse(text) }
  }

  t.test('204 with the allowed methods and headers, for an allowed origin', async t => {
    const { status, received } = await preflight('/accounts', PREFLIGHT)
    t.equal(status, 204)
    t.match(received, {
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'x-csrf',
      'access-control-max-age': '600',
      vary: /Origin/,
      'x-request-id': String
    })
    const methods = new Set(['HEAD', ...operationsOf(committedDocument()).map(({ method }) => method)])
    t.same(received['access-control-allow-methods']?.split(', ').sort(), [...methods].sort(), 'of all operations')
  })

  t.test(
    '403 csrf-rejected with the origin and the setting for any other, and one warning for each origin',
    async t => {
      for (const [origin, detail] of [
        ['https://evil.example', /^Pages of https:\/\/evil\.example may not .* ALLOWED_ORIGINS\.$/],
        ['https://evil.example', /^Pages of https:\/\/evil\.example may not/],
        ['null', /^A page without an origin of its own/],
        ['https://evil.example/secret', /^The header Origin is not an origin\.$/]
      ] as const) {
        const { status, received, body } = await preflight('/accounts', { ...PREFLIGHT, origin })
        t.notOk('access-control-allow-origin' in received)
        t.match({ status, body, type: received['content-type'] }, REFUSED)
        t.match(body, { detail })
      }
      const warnings = () => lines.filter(line => line.includes('"level":"warn"') && line.includes('ALLOWED_ORIGINS'))
      t.ok(await eventually(() => warnings().length > 0))
      t.match(warnings(), [/"origin":"https:\/\/evil.example"/])
      t.equal(warnings().length, 1)
    }
  )

  t.test('204 with Allow when it is not a preflight', async t => {
    for (const headers of [{}, { origin: ORIGIN }, { 'access-control-request-method': 'GET' }]) {
      const reply = await send('OPTIONS', '/plans', { headers, token: null })
      t.strictSame([reply.statusCode, reply.headers['allow']], [204, 'GET, HEAD, OPTIONS'])
    }
  })

  t.test('400 and the connection closed when it is ambiguous', async t => {
    const preflight = 'Origin: https://console.example\r\nAccess-Control-Request-Method: GET\r\n'
    for (const bytes of [
      `OPTIONS /plans HTTP/1.1\r\nHost: a\r\nHost: b\r\n${preflight}\r\n`,
      `OPTIONS /plans HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 192.0.2.1\r\n${preflight}\r\n`,
      `OPTIONS http://a/plans HTTP/1.1\r\nHost: a\r\n${preflight}\r\n`
    ]) {
      const { statuses, text, isClosed } = await exchange(url, [bytes])
      t.strictSame(statuses, [400], text)
      t.ok(isClosed)
    }
  })

  t.test('a page of an allowed origin can read a refusal', async t => {
    const reply = await send('GET', '/plans', { token: null, headers: { origin: ORIGIN } })
    fails(t, reply, 401, 'unauthenticated')
    t.equal(reply.headers['access-control-allow-origin'], ORIGIN)
    const exposed = reply.headers['access-control-expose-headers']?.split(', ') ?? []
    for (const name of ['Server-Timing', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'Link', 'Location', 'ETag']) {
      t.ok(exposed.includes(name), name)
    }
  })

  t.test('so it can replies of the router and of the parser, which no hook sees', async t => {
    for (const [bytes, status] of [
      [`GET /accounts/${'a'.repeat(5000)} HTTP/1.1\r\nHost: x\r\n`, 414],
      [`GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n`, 414],
      ['GET /%zz HTTP/1.1\r\nHost: x\r\n', 400],
      [`GET /plans HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(17_000)}\r\n`, 431],
      ['GET /plans HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n', 400],
      ['POST /accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n', 401]
    ] as const) {
      const [line = '', ...others] = bytes.split('\r\n')
      for (const [origin, isAllowed] of [
        [ORIGIN, true],
        ['capacitor://localhost', true],
        ['https://evil.example', false]
      ] as const) {
        const request = [line, `Origin: ${origin}`, 'Connection: close', ...others, ''].join('\r\n')
        const { statuses, text } = await exchange(url, [request])
        t.strictSame(statuses, [status])
        t.equal(new RegExp(`^access-control-allow-origin: ${origin}\r$`, 'im').test(text), isAllowed, text)
      }
    }
  })

  t.test('HOSTKEY is not called, and each request has a line in the log', async t => {
    t.strictSame(sandbox.control.calls(), [])
    t.ok(lines.some(line => line.includes('"method":"OPTIONS"') && line.includes('"status":204')))
  })
})

t.test('403 csrf-rejected for every preflight where no origin is allowed', async t => {
  const { url } = await gateway(t)
  const reply = await fetch(`${url}/accounts`, { method: 'OPTIONS', headers: PREFLIGHT })
  t.equal(reply.status, 403)
  t.match(await reply.json(), { name: 'csrf-rejected', detail: `Pages of ${ORIGIN} ` })
})
