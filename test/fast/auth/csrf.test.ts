import t from 'tap'
import { assertNotForged, originsOf, refusedOrigin } from '../../../src/auth/csrf.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const OURS = 'https://app.example'
const allowed = new Set([OURS])

const isAccepted = (headers: Record<string, string>): boolean => {
  try {
    assertNotForged(headers, allowed)
    return true
  } catch (error) {
    if (isProblem(error, 'csrf-rejected')) return false
    throw error
  }
}

t.test('refuses a request without `X-CSRF: 1`, which only an allowed page can set', async t => {
  t.ok(isAccepted({ 'x-csrf': '1' }))
  for (const value of ['', '0', '11', 'true']) t.notOk(isAccepted({ 'x-csrf': value, origin: OURS }), value)
  t.notOk(isAccepted({ origin: OURS, 'sec-fetch-site': 'same-origin' }))
})

t.test('refuses an origin that is not allowed; accepts a request without one', async t => {
  t.ok(isAccepted({ 'x-csrf': '1', origin: OURS }))
  for (const origin of ['https://evil.example', 'null', `${OURS}:444`, 'http://app.example', '']) {
    t.notOk(isAccepted({ 'x-csrf': '1', origin }), origin)
  }
})

t.test('names the refused origin and the setting, and repeats no other text', async t => {
  for (const origin of ['http://localhost:5173', 'capacitor://localhost', 'http://[::1]:3000']) {
    t.match(refusedOrigin(origin), { message: `Pages of ${origin} may not`, options: { refusedOrigin: origin } })
    t.match(refusedOrigin(origin).message, 'ALLOWED_ORIGINS')
  }
  for (const text of ['null', '', 'https://a.example/secret', 'token secret', `https://${'a'.repeat(300)}`]) {
    t.match(refusedOrigin(text), { message: /^(A page without|The header Origin)/, options: {} })
    t.notOk(refusedOrigin(text).options.refusedOrigin)
  }
})

t.test('refuses what the browser reports as coming from another site', async t => {
  for (const [site, origin, expected] of [
    ['same-origin', undefined, true],
    ['same-origin', OURS, true],
    ['same-site', OURS, true],
    ['same-site', undefined, false],
    ['cross-site', OURS, false],
    ['cross-site', undefined, false],
    ['none', undefined, false],
    ['', OURS, false]
  ] as const) {
    const headers = { 'x-csrf': '1', 'sec-fetch-site': site, ...(origin !== undefined && { origin }) }
    t.equal(isAccepted(headers), expected, `${site}, ${origin}`)
  }
})

t.test('allowed origins', async t => {
  t.test('are that of the public URL and the configured ones', async t => {
    t.strictSame([...originsOf(new URL('https://gw.example/api'), [OURS])], ['https://gw.example', OURS])
    t.strictSame([...originsOf(new URL('https://gw.example:8443'), [])], ['https://gw.example:8443'])
  })
  t.test('are every loopback name when the public URL has one', async t => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      t.strictSame(
        [...originsOf(new URL(`http://${host}:3000`), [OURS])],
        ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000', OURS]
      )
    }
    t.strictSame(
      [...originsOf(new URL('https://localhost'), [])],
      ['https://localhost', 'https://127.0.0.1', 'https://[::1]']
    )
  })
})

t.test('403 https-required for a login whose cookie no browser would keep', async t => {
  const login = { apiKey: 'x'.repeat(33) }
  for (const [env, own, others] of [
    [{ PUBLIC_URL: 'http://nas.lan:8080' }, [{}, { origin: 'http://nas.lan:8080' }], [{ origin: 'https://nas.lan' }]],
    [
      { ALLOWED_ORIGINS: 'http://panel.lan' },
      [{ origin: 'http://panel.lan' }, { origin: 'http://192.168.1.20:8080', host: '192.168.1.20:8080' }],
      [{}, { origin: 'http://evil.example' }]
    ]
  ] as const) {
    const { post, lines } = await gateway(t, env)
    for (const headers of own) {
      const reply = await post('/session', login, { token: null, headers: { 'x-csrf': '1', ...headers } })
      fails(t, reply, 403, 'https-required')
      t.match(reply.json().detail, 'PUBLIC_URL')
      t.notOk('set-cookie' in reply.headers)
    }
    for (const headers of others) {
      const reply = await post('/session', login, { token: null, headers: { 'x-csrf': '1', ...headers } })
      t.notMatch(reply.text, 'https-required')
    }
    const isWarned = lines.some(
      line => line.includes('"level":"warn"') && line.includes('PUBLIC_URL is http://nas.lan')
    )
    t.equal(isWarned, 'PUBLIC_URL' in env)
  }
})
