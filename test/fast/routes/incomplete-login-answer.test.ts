import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { fakeUpstream } from '../../support/fakes/upstream.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

const TOKEN = '0123456789abcdef0123456789abcdef'
const LOGIN = { apiKey: '0123456789abcdef-0123456789abcdef' }
const OPTIONS = { token: null, headers: { 'x-csrf': '1' } }

t.test('a login whose answer holds only the token and its expiry', async t => {
  const asked: string[] = []
  let info: object | undefined = { token: TOKEN, customer_id: 7, role_type: 'Customer', token_expire: 1 }
  const expiresAt = Math.floor(Date.now() / 1000) + 3600
  const { url } = await fakeUpstream(t, sent => {
    asked.push(`${sent['action']} ${sent['token'] ?? ''}`)
    return sent['action'] === 'login' ? { token: TOKEN, token_expire: expiresAt } : info
  })
  const { post, lines } = await gateway(t, { UPSTREAM_URL: url })
  t.beforeEach(() => {
    asked.length = 0
    lines.length = 0
  })

  t.test('201 with the identity from info and the expiry from login', async t => {
    const { statusCode, text, json } = await post('/session', LOGIN, OPTIONS)
    t.equal(statusCode, 201, text)
    t.match(json(), { customerId: 7, role: 'Customer' })
    t.equal(Date.parse(json().expiresAt), expiresAt * 1000)
    t.strictSame(asked, ['login ', `info ${TOKEN}`])
    t.ok(await eventually(() => lines.some(line => line.includes('"upstreamCalls":2'))), 'both calls are in the log')
  })

  t.test('503 upstream-unavailable when info does not answer; the token is revoked', async t => {
    info = undefined
    fails(t, await post('/session', LOGIN, OPTIONS), 503, 'upstream-unavailable')
    t.ok(await eventually(() => asked.includes(`logout ${TOKEN}`)))
  })
})
