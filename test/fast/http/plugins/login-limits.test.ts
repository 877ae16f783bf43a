import t, { type Test } from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { isLimited, limitsOf } from '../../../support/assert/rate-limits.ts'
import { freshToken } from '../../../support/harness/fresh-token.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'
import { redisServer } from '../../../support/harness/redis.ts'

/** The quotas that follow: 2 failed logins a minute from one network, 4 an hour of one account, 40 from all networks. */
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

/** The credential was checked at HOSTKEY, and the failure counted. */
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

  t.test('429 by `login` after 2 of one account, although they succeed', async t => {
    const { logIn, sandbox } = await loginRoutes(t, PROXIED)
    for (let made = 0; made < 2; made += 1) {
      t.equal((await logIn('192.0.2.1', { apiKey: sandbox.demo.apiKey })).statusCode, 201)
    }
    isLimited(t, await logIn('192.0.2.1', { apiKey: sandbox.demo.apiKey }), 'login')
  })

  t.test(
    '201 for every account of an office, one after the other or at once; a guesser beside it is limited',
    async t => {
      const { logIn, sandbox, asked } = await loginRoutes(t, PROXIED)
      const tokens = await Promise.all(Array.from({ length: 8 }, () => freshToken(sandbox)))
      const office = tokens.map(token => ({ token }))
      for (const person of office.slice(0, 4)) t.equal((await logIn('192.0.2.1', person)).statusCode, 201)
      const replies = await Promise.all(office.slice(4).map(person => logIn('192.0.2.1', person)))
      t.strictSame(new Set(replies.map(({ statusCode }) => statusCode)), new Set([201]))
      sandbox.control.clearCalls()
      const guesses = await Promise.all(
        Array.from({ length: 40 }, (_, n) => logIn('192.0.2.1', { apiKey: `${WRONG_KEY}${n}` }))
      )
      t.ok(guesses.filter(({ statusCode }) => statusCode === 401).length <= 8, 'at most four times the limit at once')
      isLimited(t, await logIn('192.0.2.1', other(1)), 'login')
      t.ok(asked().length <= 8)
    }
  )

  t.test('LOGIN_RATE_LIMIT_MAX sets the limits of logins, and no other', async t => {
    const { logIn, get } = await loginRoutes(t, { LOGIN_RATE_LIMIT_MAX: '3' })
    for (let made = 0; made < 3; made += 1) {
      const { login, 'login-credential': credential } = limitsOf(t, await logIn('', other(made)))
      t.strictSame([login?.quota, credential?.quota], [3, 6])
    }
    isLimited(t, await logIn('', other(4)), 'login')
    t.equal(limitsOf(t, await get('/accounts'))['caller']?.quota, Number(MAX))
  })
})

t.test('failed logins by account', async t => {
  const credentials: Record<string, (index: number) => object> = {
    'API key, in any case': index => ({ apiKey: index % 2 ? WRONG_KEY : WRONG_KEY.toUpperCase() }),
    'email, in any case and with spaces, with any password': index => ({
      email: index % 2 ? 'demo@example.com' : ' Demo@Example.com ',
      password: `guess ${index}`
    })
  }
  for (const [name, credential] of Object.entries(credentials)) {
    t.test(`429 by \`login-credential\` after 4 with one ${name}, from one network; 401 from another`, async t => {
      const redis = await redisServer(t)
      const { logIn } = await loginRoutes(t, { ...PROXIED, REDIS_URL: redis.url, SESSION_SECRET: 'x'.repeat(32) })
      for (let index = 0; index < 4; index += 1) {
        isChecked(t, await logIn('192.0.2.1', credential(index)))
        await redis.age(60_001)
      }
      isLimited(t, await logIn('192.0.2.1', credential(5)), 'login-credential')
      isChecked(t, await logIn('192.0.2.2', credential(6)))
    })
  }

  t.test('a login that succeeds does not count, nor does one that HOSTKEY has not judged', async t => {
    const redis = await redisServer(t)
    const { logIn, sandbox } = await loginRoutes(t, { REDIS_URL: redis.url, SESSION_SECRET: 'x'.repeat(32) })
    const { apiKey } = sandbox.demo
    for (let made = 0; made < 6; made += 1) {
      if (made === 0) sandbox.control.fault({ kind: 'html-502', action: 'login', count: 5 })
      t.equal((await logIn('', { apiKey })).statusCode, made === 0 ? 503 : 201)
      sandbox.control.clearFaults()
      await redis.age(60_001)
    }
  })

  t.test(
    '429 by `login-account` after 40 from many networks, but not where the owner has logged in before',
    async t => {
      const { logIn, sandbox } = await loginRoutes(t, PROXIED)
      const { email, password } = sandbox.demo
      t.equal((await logIn('192.0.2.1', { email, password })).statusCode, 201)
      for (let index = 0; index < 40; index += 1) {
        t.equal((await logIn(`198.51.100.${index}`, { email, password: 'guess' })).statusCode, 401)
      }
      isLimited(t, await logIn('198.51.100.99', { email, password }), 'login-account')
      t.equal((await logIn('192.0.2.1', { email, password })).statusCode, 201)
    }
  )

  t.test('400 for an address that only looks like one: it would be an account of its own', async t => {
    const { logIn, asked } = await loginRoutes(t)
    for (const email of [
      'd\u0435mo@example.com',
      'demo\u200b@example.com',
      '\uff44emo@example.com',
      'demo@ex\u00e4mple.com',
      'de\u0000mo@example.com'
    ]) {
      fails(t, await logIn('', { email, password: 'guess' }), 400, 'invalid-request', {
        errors: [{ pointer: '/email' }]
      })
    }
    t.strictSame(asked(), [])
  })

  t.test('the network is free again after a minute, the account after an hour', async t => {
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
