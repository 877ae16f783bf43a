import t from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { exchange } from '../../../support/harness/exchange.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const ORIGIN = 'https://console.example'
const ASKS = { origin: ORIGIN, 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'x-csrf' }

t.test('a browser that asks whether a page may call', async t => {
  const { url, send, lines, sandbox } = await gateway(t, { ALLOWED_ORIGINS: ORIGIN })
  const asked = async (path: string, headers: Record<string, string>) => {
    const { status, headers: told } = await fetch(`${url}${path}`, { method: 'OPTIONS', headers })
    return { status, told: Object.fromEntries(told) }
  }

  t.test('204 with what it may do, for an origin that is allowed', async t => {
    const { status, told } = await asked('/accounts', ASKS)
    t.equal(status, 204)
    t.match(told, {
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'x-csrf',
      'access-control-max-age': '600',
      vary: /Origin/,
      'x-request-id': String
    })
  })

  t.test('204 without an origin for any other: the browser keeps the page from calling', async t => {
    const { status, told } = await asked('/accounts', { ...ASKS, origin: 'https://evil.example' })
    t.equal(status, 204)
    t.notOk('access-control-allow-origin' in told)
  })

  t.test('405 method-not-allowed with Allow when it asks nothing', async t => {
    for (const headers of [{}, { origin: ORIGIN }, { 'access-control-request-method': 'GET' }]) {
      const reply = await send('OPTIONS', '/plans', { headers, token: null })
      fails(t, reply, 405, 'method-not-allowed')
      t.equal(reply.headers['allow'], 'GET')
    }
  })

  t.test('400 and the end of the connection when it can be read in two ways', async t => {
    const question = 'Origin: https://console.example\r\nAccess-Control-Request-Method: GET\r\n'
    for (const bytes of [
      `OPTIONS /plans HTTP/1.1\r\nHost: a\r\nHost: b\r\n${question}\r\n`,
      `OPTIONS /plans HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 192.0.2.1\r\n${question}\r\n`,
      `OPTIONS http://a/plans HTTP/1.1\r\nHost: a\r\n${question}\r\n`
    ]) {
      const { statuses, text, isClosed } = await exchange(url, [bytes])
      t.strictSame(statuses, [400], text)
      t.ok(isClosed)
    }
  })

  t.test('a page may read what is refused, too', async t => {
    const reply = await send('GET', '/plans', { token: null, headers: { origin: ORIGIN } })
    fails(t, reply, 401, 'unauthenticated')
    t.equal(reply.headers['access-control-allow-origin'], ORIGIN)
    t.match(reply.headers['access-control-expose-headers'], /RateLimit/)
  })

  t.test('HOSTKEY is asked nothing, and each is a line of the log', async t => {
    t.strictSame(sandbox.control.calls(), [])
    t.ok(lines.some(line => line.includes('"method":"OPTIONS"') && line.includes('"status":204')))
  })
})
