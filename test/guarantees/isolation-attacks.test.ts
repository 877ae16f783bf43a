import t, { type Test } from 'tap'
import { classOf } from '../../src/upstream/resilience/call-classes.ts'
import { MAX_IN_FLIGHT } from '../../src/upstream/resilience/fair-queue.ts'
import type { Treatment } from '../support/fakes/front.ts'
import { amount } from '../support/harness/amount.ts'
import { attack, crowdedGateway, randomToken, repeat } from '../support/harness/crowd.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { tokenFor } from '../support/harness/fresh-token.ts'
import type { Gateway } from '../support/harness/gateway.ts'

const figure = figuresOf(t, 'isolation')
const TRIES = amount(4, 10, 100)

/** One attack of a kind in `npm test`; else every one. */
const some = <T>(attacks: Record<string, T>): [string, T][] => Object.entries(attacks).slice(0, amount(1, 100))
/** Of reads. */
const SLOTS = classOf.read.slots
const HONEST = '203.0.113.1'
const networks = (count: number) => Array.from({ length: count }, (_, n) => `198.51.100.${n + 1}`)

/** Requests of an honest customer, `other`, from an address of its own. */
const honest = (g: Gateway, of: (n: number) => string = n => `/accounts?limit=${n + 1}`) =>
  repeat(TRIES, n =>
    g.get(of(n), { token: g.sandbox.control.tokenOf('other'), headers: { 'x-forwarded-for': HONEST } })
  )

const assertServed = (t: Test, what: string, statuses: Record<number, number>, status = 200) => {
  const served = statuses[status] ?? 0
  t.ok(served >= 0.99 * TRIES, `${what}: ${served} of ${TRIES}: ${JSON.stringify(statuses)}`)
  figure(`${what}: ${served} of ${TRIES} honest requests served`)
}

/** More tokens of a customer, which no gateway has seen. */
const tokensOf = (g: Gateway, name: string, count: number) => {
  const { email, password } = g.sandbox.control.customer(name)
  return Promise.all(Array.from({ length: count }, () => tokenFor(g.sandbox.url, { user: email, password })))
}

/** The gateway learns whose tokens these are. */
const introduce = (g: Gateway, tokens: string[]) =>
  Promise.all(tokens.map(token => g.get('/accounts', { token, headers: { 'x-forwarded-for': networks(1)[0] ?? '' } })))

const trickle: Treatment = response => {
  response.writeHead(200)
  const timer = setInterval(() => response.write(' '), 100)
  response.on('close', () => clearInterval(timer))
}

/** What HOSTKEY answers to every call for one customer. */
const SICK: Record<string, Treatment> = {
  'garbage with 200': { status: 200, body: '\u0000\u0001[[[' },
  'a page with 200': { status: 200, body: '<html>Please log in</html>' },
  'JSON that is cut off': response => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"result":"OK","s3_users":[')
    response.destroy()
  },
  'a redirect': { status: 302, body: '', headers: { location: 'https://127.0.0.1:1/' } },
  'a request to wait an hour': { status: 429, body: '', headers: { 'retry-after': '3600' } },
  'a reset': 'reset',
  'one byte at a time': trickle,
  'maintenance with 503': { status: 503, body: '', headers: { 'retry-after': '600' } }
}

for (const [what, answer] of some(SICK)) {
  t.test(`a customer who always gets ${what}`, async t => {
    const g = await crowdedGateway(t, ({ token }, tokenOf) => (token === tokenOf('demo') ? answer : undefined), {
      UPSTREAM_TIMEOUT_MS: '1500'
    })
    const paths = ['/accounts', '/plans', '/accounts/s3_user_1/buckets', '/accounts/s3_user_1/usage', '/session']
    const bad = attack(t, g, { atOnce: 10 }, n => ({
      path: paths[n % paths.length] ?? '',
      token: g.sandbox.demo.token
    }))
    t.ok(await eventually(() => bad.statuses.length >= 12))
    const [reads, usage, writes] = await Promise.all([
      honest(g),
      honest(g, () => '/accounts/s3_user_2/usage'),
      repeat(TRIES, n =>
        g.post(
          '/accounts/s3_user_2/buckets',
          { name: `honest-bucket-${n}` },
          { token: g.sandbox.control.tokenOf('other'), headers: { 'x-forwarded-for': HONEST } }
        )
      )
    ])
    await bad.end()
    assertServed(t, `${what}, reads`, reads.statuses)
    assertServed(t, `${what}, usage`, usage.statuses)
    assertServed(t, `${what}, writes`, writes.statuses, 201)
  })
}

t.test('three tokens of one customer whose listing fails are no evidence of an outage', async t => {
  const mine = new Set<string>()
  const g = await crowdedGateway(t, ({ action, token }) =>
    action === 'get_buckets' && mine.has(token ?? '') ? { status: 500, body: '' } : undefined
  )
  const tokens = await tokensOf(g, 'demo', 3)
  for (const token of tokens) mine.add(token)
  await introduce(g, tokens)
  const bad = attack(t, g, { addresses: networks(3), atOnce: 6 }, n => ({
    path: '/accounts/s3_user_1/buckets',
    token: tokens[n % 3] ?? ''
  }))
  t.ok(await eventually(() => bad.statuses.length >= 20))
  const { statuses } = await honest(g)
  await bad.end()
  assertServed(t, 'three tokens of a customer with 500', statuses)
})

t.test('72 tokens of one customer do not take all slots', async t => {
  const mine = new Set<string>()
  // Longer than the test: the end of the attack ends these calls.
  const g = await crowdedGateway(t, ({ action, token }) =>
    action === 'get_buckets' && mine.has(token ?? '') ? { delayMs: 6000 } : undefined
  )
  const tokens = await tokensOf(g, 'demo', 72)
  for (const token of tokens) mine.add(token)
  t.same(new Set((await introduce(g, tokens)).map(({ statusCode }) => statusCode)), new Set([200]))
  const lookups = () => g.sandbox.control.counters()['info'] ?? 0
  /** Each token reads without end. */
  const join = (some: string[]) =>
    attack(t, g, { addresses: networks(4), atOnce: some.length }, n => ({
      path: `/accounts/s3_user_${n}/buckets`,
      token: some[n % some.length] ?? ''
    }))
  const bad = [join(tokens.slice(0, 36))]
  t.ok(await eventually(() => g.treated() > SLOTS / 2), 'they hold more than half')
  // A few at a time: on a busy machine many look-ups at once take longer than a call waits for them.
  for (let at = 36; at < tokens.length; at += 4) {
    const known = lookups()
    bad.push(join(tokens.slice(at, at + 4)))
    if (!t.ok(await eventually(() => lookups() >= known + 4), 'each further token is looked up')) break
  }
  const { statuses } = await honest(g)
  // Those whose look-up was late have a slot of their own.
  t.ok(g.treated() < SLOTS, `${g.treated()} slots`)
  await Promise.all(bad.map(({ end }) => end()))
  assertServed(t, '72 tokens of a customer with slow reads', statuses)
})

type Attack = (n: number, g: Gateway) => ReturnType<Parameters<typeof attack>[3]>

const FILES = '/accounts/s3_user_1/buckets/logs'
const post = (path: string, body: unknown, more: object = {}) => ({ method: 'POST', path, body, ...more })
const key = (n: number) => ({ 'idempotency-key': `attack-${n}-${randomToken()}` })
const check = (n: number) => post('/orders/checks', { planId: 2, bucketName: `checked-${n}`, location: 'NL' })
const presign = post('/accounts/s3_user_1/buckets/logs/presigned-urls', { operation: 'download', path: 'a.txt' })

/** What one customer asks for all the time, while HOSTKEY answers it late. */
const BUSY: Record<string, Attack> = {
  'streams of files': () => ({ path: `${FILES}/file-stream?recursive=true` }),
  'sums of folders': n => ({ path: `${FILES}/folders/summary?folder=${n}/` }),
  'checks of orders': check,
  'presigned URLs': () => presign,
  'usage of all accounts': () => ({ path: '/usage' }),
  jobs: n =>
    post(`${FILES}/file-deletions`, { paths: [`${n}.txt`] }, { headers: { prefer: 'respond-async', ...key(n) } }),
  'lists of jobs': n => ({ path: `/jobs?limit=${(n % 100) + 1}` }),
  'orders with new keys': n =>
    post(
      '/orders',
      { planId: 2, bucketName: `bought-${n}`, location: 'NL', expectedPrice: { monthlyEur: 0.01 } },
      { headers: key(n) }
    ),
  'services that do not exist': n => ({ path: '/accounts', token: `hks_service-${n}_${'x'.repeat(43)}` })
}

for (const [what, next] of some(BUSY)) {
  t.test(`a customer that asks for ${what}`, async t => {
    const g = await crowdedGateway(t, ({ token }, tokenOf) =>
      token === tokenOf('demo') ? { delayMs: 400 } : undefined
    )
    const { token } = g.sandbox.demo
    const bad = attack(t, g, { atOnce: 3 * MAX_IN_FLIGHT }, n => ({ token, ...next(n, g) }))
    t.ok(await eventually(() => g.treated() > 0 || bad.statuses.length > 0), 'the attack has begun')
    const [reads, usage, keys] = await Promise.all([
      honest(g),
      honest(g, () => '/accounts/s3_user_2/usage'),
      honest(g, n => (n < 5 ? '/accounts/s3_user_2/keys/access-key' : '/jobs'))
    ])
    await bad.end()
    t.notOk(
      bad.statuses.some(status => status === 400 || status === 404),
      'the attack asks for what exists'
    )
    assertServed(t, `${what}, reads`, reads.statuses)
    assertServed(t, `${what}, usage`, usage.statuses)
    assertServed(t, `${what}, keys and jobs`, keys.statuses)
  })
}

const login = (body: object) => post('/session', body, { headers: { 'x-csrf': '1' } })

/** What strangers, or a customer, do to the logins of others. HOSTKEY answers a wrong password after 2 s. */
const LOGINS: Record<string, Attack> = {
  'wrong passwords, with many e-mails': n => login({ email: `Nobody${n}@Example.com`, password: 'wrong' }),
  'wrong API keys': () => login({ apiKey: `${randomToken().slice(0, 16)}-${randomToken().slice(0, 16)}` }),
  'logins that lack the second factor': (_, { sandbox }) => {
    const { email, password } = sandbox.control.customer('two-factor')
    return login({ email, password })
  },
  'sessions of one customer': (_, { sandbox }) =>
    login({ apiKey: sandbox.control.customer('other').apiKeys[0]?.key ?? '' }),
  'made-up tokens for sessions': () => login({ token: randomToken() }),
  'made-up tokens for keys': () => ({ path: '/accounts/s3_user_1/keys/secret-key', token: randomToken() }),
  'made-up tokens for presigned URLs': () => ({ ...presign, token: randomToken() }),
  'made-up tokens for jobs': () => ({ path: '/jobs', token: randomToken() })
}

for (const [what, next] of some(LOGINS)) {
  t.test(`${what} from eight networks`, async t => {
    const g = await crowdedGateway(t, ({ action, user, key, token }, tokenOf) => {
      if (/^(nobody|two-factor)/i.test(user ?? '')) return { delayMs: 2000 }
      if (action === 'login' && key !== g.sandbox.demo.apiKey) return { delayMs: 2000 }
      return action === 'info' && token !== tokenOf('demo') ? { delayMs: 300 } : undefined
    })
    const bad = attack(t, g, { addresses: networks(8), atOnce: 40 }, n => next(n, g))
    t.ok(await eventually(() => g.treated() > 0), 'the attack has begun')
    const { statuses } = await repeat(TRIES, n =>
      g.post(
        '/session',
        { apiKey: g.sandbox.demo.apiKey },
        { token: null, headers: { 'x-csrf': '1', 'x-forwarded-for': `203.0.113.${n % 250}` } }
      )
    )
    await bad.end()
    assertServed(t, `${what}, logins`, statuses, 201)
  })
}
