import t, { type Test } from 'tap'
import { isLimited, limitsOf } from '../../../support/assert/rate-limits.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'
import { redisServer } from '../../../support/harness/redis.ts'

/** The quotas that follow: 2 logins a minute from one address, 4 an hour with one credential. */
const MAX = '240'

const WRONG_KEY = '0123456789abcdef-0123456789abcdef'

/** Logs in from behind proxies; the last address is the one that the trusted proxy has seen. */
const loginRoutes = async (t: Test, env: Record<string, string> = {}) => {
  const running = await gateway(t, { RATE_LIMIT_MAX: MAX, ...env })
  const logIn = (from: string, credential: object = { apiKey: WRONG_KEY }) =>
    running.post('/session', credential, { token: null, headers: { 'x-csrf': '1', 'x-forwarded-for': from } })
  return { ...running, logIn }
}

const PROXIED = { TRUST_PROXY: 'loopback' }

/** The credential was checked at HOSTKEY, and the login counted. */
const isChecked = (t: Test, reply: Reply) => {
  t.equal(reply.statusCode, 401, reply.text)
  t.strictSame(
    Object.entries(limitsOf(t, reply)).map(([name, { quota, windowSeconds }]) => [name, quota, windowSeconds]),
    [
      ['ip', 480, 60],
      ['login', 2, 60],
      ['login-credential', 4, 3600]
    ]
  )
}

/** Credentials that differ, so that only the address counts. */
const other = (index: number) => ({ apiKey: `0123456789abcde${index}-0123456789abcdef` })

t.test('logins by address', async t => {
  const neighbours: Record<string, [string, string, string, string]> = {
    'one IPv4 address': ['192.0.2.1', '192.0.2.1', '::ffff:192.0.2.1', '192.0.2.2'],
    'one IPv6 network': ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', '2001:DB8:1:2:a:b:c:d', '2001:db8:1:3::1']
  }
  for (const [name, [first, second, third, stranger]] of Object.entries(neighbours)) {
    t.test(`429 by \`login\` after 2 from ${name}`, async t => {
      const { logIn, asked } = await loginRoutes(t, PROXIED)
      isChecked(t, await logIn(first, other(1)))
      isChecked(t, await logIn(second, other(2)))
      isLimited(t, await logIn(third, other(3)), 'login')
      isChecked(t, await logIn(stranger, other(4)))
      t.equal(asked().length, 3, 'a limited login does not reach HOSTKEY')
    })
  }

  t.test('429 by `login` for forged addresses: without TRUST_PROXY no header is trusted', async t => {
    const { logIn } = await loginRoutes(t)
    isChecked(t, await logIn('192.0.2.1', other(1)))
    isChecked(t, await logIn('192.0.2.2', other(2)))
    isLimited(t, await logIn('192.0.2.3', other(3)), 'login')
  })

  t.test('429 by `login` for addresses that the caller puts before its own: only the proxy is trusted', async t => {
    const { logIn } = await loginRoutes(t, PROXIED)
    isChecked(t, await logIn('10.0.0.1, 192.0.2.9', other(1)))
    isChecked(t, await logIn('10.0.0.2, 192.0.2.9', other(2)))
    isLimited(t, await logIn('10.0.0.3, 192.0.2.9', other(3)), 'login')
  })

  t.test('a login that succeeds counts as much', async t => {
    const { logIn, sandbox } = await loginRoutes(t, PROXIED)
    for (let made = 0; made < 2; made += 1) {
      t.equal((await logIn('192.0.2.1', { apiKey: sandbox.demo.apiKey })).statusCode, 201)
    }
    isLimited(t, await logIn('192.0.2.1', { apiKey: sandbox.demo.apiKey }), 'login')
  })
})

t.test('logins by credential', async t => {
  const credentials: Record<string, (index: number) => object> = {
    'API key': () => ({ apiKey: WRONG_KEY }),
    'API key, in any case': index => ({ apiKey: index % 2 ? WRONG_KEY : WRONG_KEY.toUpperCase() }),
    'email, with any password': index => ({
      email: index % 2 ? 'demo@example.com' : 'Demo@Example.com',
      password: `guess ${index}`
    }),
    token: () => ({ token: 'f'.repeat(32) })
  }
  for (const [name, credential] of Object.entries(credentials)) {
    t.test(`429 by \`login-credential\` after 4 with one ${name}, from any address`, async t => {
      const { logIn } = await loginRoutes(t, PROXIED)
      for (let index = 0; index < 4; index += 1) isChecked(t, await logIn(`192.0.2.${index}`, credential(index)))
      isLimited(t, await logIn('192.0.2.5', credential(5)), 'login-credential')
      isChecked(t, await logIn('192.0.2.6', { apiKey: 'fedcba9876543210-fedcba9876543210' }))
    })
  }

  t.test('the address is free again after a minute, the credential after an hour', async t => {
    const redis = await redisServer(t)
    const { logIn } = await loginRoutes(t, { REDIS_URL: redis.url, SESSION_SECRET: 'x'.repeat(32) })
    for (let made = 0; made < 2; made += 1) isChecked(t, await logIn(''))
    isLimited(t, await logIn(''), 'login')
    await redis.age(60_001)
    for (let made = 0; made < 2; made += 1) isChecked(t, await logIn(''))
    await redis.age(60_001)
    isLimited(t, await logIn(''), 'login-credential')
    await redis.age(3_600_000)
    isChecked(t, await logIn(''))
  })
})
