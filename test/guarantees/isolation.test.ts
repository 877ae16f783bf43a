import t, { type Test } from 'tap'
import { MAX_IN_FLIGHT } from '../../src/upstream/resilience/fair-queue.ts'
import { amount } from '../support/harness/amount.ts'
import { createBrowser } from '../support/harness/browser-caller.ts'
import { attack, crowdedGateway, randomToken, repeat } from '../support/harness/crowd.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import type { Gateway, Reply } from '../support/harness/gateway.ts'
import { percentile } from '../support/harness/latency.ts'

const figure = figuresOf(t, 'isolation')
const READS = amount(30, 300, 800)
const LOGINS = amount(8, 40, 100)
const TRIES = amount(2, 12, 30)

const HONEST = '203.0.113.1'
const ONE = ['198.51.100.1']
const THREE = ['198.51.100.1', '198.51.100.2', '198.51.100.3']

/** Reads of two honest customers, `other` and `admin`. */
const honestReads = (g: Gateway, count = READS) =>
  repeat(count, n => {
    const token = g.sandbox.control.tokenOf(n % 2 ? 'other' : 'admin')
    return g.get(`/accounts?limit=${(n % 100) + 1}`, { token, headers: { 'x-forwarded-for': HONEST } })
  })

const assertServed = (t: Test, statuses: Record<number, number>, status: number, count: number) =>
  t.ok(
    (statuses[status] ?? 0) >= 0.99 * count,
    `${status} for ${statuses[status] ?? 0} of ${count}: ${JSON.stringify(statuses)}`
  )

const openCircuits = async ({ managementUrl }: Gateway) =>
  (await (await fetch(`${managementUrl}/metrics`)).text()).match(/^gateway_circuit_breaker_open\{.*\} 1$/gm) ?? []

const own = { s3uid: 's3_user_1' }

/** What one caller can make HOSTKEY answer, and how it asks for it. */
const ANSWERS: Record<
  string,
  { treatment: Parameters<typeof crowdedGateway>[1]; env?: Record<string, string>; addresses: string[] }
> = {
  'a bucket with an unprintable name': {
    treatment: ({ action, token }, tokenOf) =>
      action === 'get_buckets' && token === tokenOf('demo')
        ? { status: 200, body: '{"result":"OK","message":[{"name":{"$bin":"//8="},"creation_date":"2023-10-01"}]}' }
        : undefined,
    addresses: ONE
  },
  'a listing that always fails with 500': {
    treatment: ({ action, token }, tokenOf) =>
      action === 'get_buckets' && token === tokenOf('demo') ? { status: 500, body: '' } : undefined,
    addresses: ONE
  },
  'a listing that always times out': {
    treatment: ({ action, token }, tokenOf) =>
      action === 'get_buckets' && token === tokenOf('demo') ? 'silence' : undefined,
    env: { UPSTREAM_TIMEOUT_MS: '1500' },
    addresses: ONE
  }
}

for (const [what, { treatment, env = {}, addresses }] of Object.entries(ANSWERS)) {
  t.test(`a customer with ${what}`, async t => {
    const g = await crowdedGateway(t, treatment, env)
    const quiet = await honestReads(g, READS / 2)
    const bad = attack(t, g, { addresses, atOnce: 4 }, () => ({
      path: `/accounts/${own.s3uid}/buckets`,
      token: g.sandbox.demo.token
    }))
    t.ok(await eventually(() => bad.statuses.length >= 6))
    const { statuses, times } = await honestReads(g)
    t.same(await openCircuits(g), [])
    t.equal((await g.get('/accounts')).statusCode, 200, 'its other reads are sent')
    await bad.end()
    assertServed(t, statuses, 200, READS)
    figure(
      `${what}: ${statuses[200]} of ${READS} reads of others; p99 ${percentile(times, 99).toFixed(0)} ms, quiet ${percentile(quiet.times, 99).toFixed(0)} ms`
    )
  })
}

t.test('strangers whose tokens the front of HOSTKEY refuses', async t => {
  for (const status of [403, 500]) {
    for (const addresses of amount([THREE], [ONE, THREE])) {
      t.test(`by a page with ${status}, from ${addresses.length}`, async t => {
        const known = new Set<string | undefined>()
        const g = await crowdedGateway(t, ({ token }) =>
          token !== undefined && !known.has(token) ? { status, body: '<html>no</html>' } : undefined
        )
        for (const name of ['other', 'admin', 'demo']) known.add(g.sandbox.control.tokenOf(name))
        await honestReads(g, 2)
        const bad = attack(t, g, { addresses }, () => ({ path: '/accounts', token: randomToken() }))
        t.ok(await eventually(() => bad.statuses.length >= 20))
        const { statuses } = await honestReads(g)
        await bad.end()
        assertServed(t, statuses, 200, READS)
        figure(
          `strangers refused with ${status} from ${addresses.length}: ${statuses[200]} of ${READS} reads of customers`
        )
      })
    }
  }
})

t.test('the circuit opens when the calls of several callers fail', async t => {
  let isDown = false
  const g = await crowdedGateway(t, () => (isDown ? { status: 500, body: '' } : undefined))
  const customers = ['other', 'admin', 'demo', 'storage-only'].map(name => g.sandbox.control.tokenOf(name))
  const readAll = () => Promise.all(customers.map(token => g.get('/accounts', { token })))
  await readAll()
  isDown = true
  for (let n = 0; n < 3; n += 1) await readAll()
  t.match(await openCircuits(g), [/class="read"/])
  const another = await g.get('/accounts', { token: randomToken() })
  t.equal(another.statusCode, 503)
  isDown = false
  t.ok(await eventually(async () => (await readAll()).every(({ statusCode }) => statusCode === 200)))
})

t.test('one caller does not take the slots of another', async t => {
  const g = await crowdedGateway(t, ({ action, token }, tokenOf) => {
    if (token === tokenOf('other')) return undefined
    if (action === 'get_buckets_rmq') return { delayMs: 400 }
    return action === 'get_users' && token !== tokenOf('demo') ? { delayMs: 300 } : undefined
  })
  const { control } = g.sandbox
  const others = { token: control.tokenOf('other') }
  t.equal((await g.get('/accounts', others)).statusCode, 200)

  t.test('by ten usage reads at once', async t => {
    const statuses: number[] = []
    for (let n = 0; n < TRIES; n += 1) {
      const ten = Array.from({ length: 10 }, (_, account) => g.get(`/accounts/s3_user_${1 + account}/usage`))
      statuses.push((await g.get('/accounts/s3_user_2/usage', others)).statusCode)
      const codes = (await Promise.all(ten)).map(({ statusCode }) => statusCode)
      t.notOk(codes.includes(503))
    }
    t.same(new Set(statuses), new Set([200]))
    figure(
      `ten usage reads at once: ${statuses.filter(status => status === 503).length} of ${TRIES} tries cost another customer a 503`
    )
  })

  t.test('by made-up tokens from three addresses', async t => {
    const bad = attack(t, g, { addresses: THREE, atOnce: amount(24, 60) }, () => ({
      path: '/accounts',
      token: randomToken()
    }))
    t.ok(await eventually(() => control.counters()['get_users'] !== undefined && bad.statuses.length > 0))
    const { statuses } = await repeat(READS, n => g.get(`/accounts?limit=${n + 1}`, others))
    await bad.end()
    assertServed(t, statuses, 200, READS)
  })

  t.test('a page that asks for 30 things at once gets them', async t => {
    const page = createBrowser(g)
    await page.logIn({ apiKey: g.sandbox.demo.apiKey })
    const things = await Promise.all(Array.from({ length: 30 }, (_, n) => page.get(`/accounts?limit=${n + 1}`)))
    t.same(
      things.map(({ statusCode }) => statusCode),
      things.map(() => 200)
    )
    t.ok(MAX_IN_FLIGHT < 30)
  })
})

const ordersOf = (n: number) => ({
  method: 'POST' as const,
  path: '/orders',
  headers: { 'idempotency-key': `made-up-order-${n}-${randomToken()}` },
  body: { planId: 2, bucketName: `bucket-${n}` }
})

const LOOKUPS: Record<
  string,
  (n: number) => { method?: 'GET' | 'POST'; path: string; headers?: Record<string, string>; body?: unknown }
> = {
  'GET /session': () => ({ path: '/session' }),
  'POST /orders': ordersOf
}

for (const [what, next] of Object.entries(LOOKUPS)) {
  for (const addresses of amount([THREE], [ONE, THREE])) {
    t.test(`${what} with made-up tokens from ${addresses.length} takes no login`, async t => {
      const g = await crowdedGateway(t, ({ action }) => (action === 'info' ? { delayMs: 100 } : undefined))
      const { demo, control } = g.sandbox
      const bad = attack(t, g, { addresses, atOnce: amount(24, 60) }, n => ({ ...next(n), token: randomToken() }))
      t.ok(await eventually(() => (control.counters()['info'] ?? 0) > 8))
      const logIn = (n: number): Promise<Reply> =>
        g.post(
          '/session',
          { apiKey: demo.apiKey },
          { token: null, headers: { 'x-csrf': '1', 'x-forwarded-for': `203.0.113.${n % 200}` } }
        )
      const { statuses } = await repeat(LOGINS, logIn)
      const lookup = await g.get('/session', { headers: { 'x-forwarded-for': HONEST } })
      await bad.end()
      assertServed(t, statuses, 201, LOGINS)
      t.equal(lookup.statusCode, 200, 'nor the look-up of a customer')
      figure(`${what} with made-up tokens from ${addresses.length}: ${statuses[201]} of ${LOGINS} logins`)
    })
  }
}

t.test(
  'a token that HOSTKEY has refused is not looked up again at once, and one that it cannot have issued never',
  async t => {
    const g = await crowdedGateway(t, () => undefined)
    const { control } = g.sandbox
    const refused = randomToken()
    for (let n = 0; n < 5; n += 1) t.equal((await g.get('/session', { token: refused })).statusCode, 401)
    t.equal(control.counters()['info'], 1)
    for (const token of ['x', 'a'.repeat(600), '"quoted-token"', 'not{a}token', '<script>alert</script>']) {
      t.equal((await g.get('/session', { token })).statusCode, 401)
    }
    t.equal(control.counters()['info'], 1)
  }
)
