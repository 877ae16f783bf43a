import t, { type Test } from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { parseList } from '../../../support/assert/structured.ts'
import { type Gateway, gateway, type Reply } from '../../../support/harness/gateway.ts'
import { redisServer } from '../../../support/harness/redis.ts'
import { replicas } from '../../../support/harness/replicas.ts'

/** Other test files run at the same time, and the first may have to install Redis. */
t.setTimeout(110_000)

/** Of which the shares are: 24 writes, deletes and usages, 2 logins and keys, 1 order, each a minute. */
const MAX = 240
const MINUTE_MS = 60_000
const ACCOUNT = '/accounts/s3_user_1'
const BUCKETS = `${ACCOUNT}/buckets`

interface Limit {
  quota: number
  windowSeconds: number
  remaining: number
  resetSeconds: number
}

/** What the headers say of each limit, held against the draft: the same names, and nothing but its parameters. */
const limitsOf = (t: Test, { headers }: Reply): Record<string, Limit> => {
  const policies = parseList(headers['ratelimit-policy'] ?? '')
  const states = new Map(parseList(headers['ratelimit'] ?? '').map(({ name, parameters }) => [name, parameters]))
  t.strictSame(
    [...states.keys()],
    policies.map(({ name }) => name),
    'each limit has its policy'
  )
  return Object.fromEntries(
    policies.map(({ name, parameters }) => {
      const state = states.get(name) ?? {}
      t.strictSame(
        [Object.keys(parameters), Object.keys(state)],
        [
          ['q', 'w'],
          ['r', 't']
        ]
      )
      const { q = -1, w = -1 } = parameters
      const { r = -1, t: reset = -1 } = state
      t.ok(
        q >= 1 && w >= 1 && r >= 0 && r < q && reset >= 0 && reset <= w,
        `${headers['ratelimit-policy']} ${headers['ratelimit']}`
      )
      return [name, { quota: q, windowSeconds: w, remaining: r, resetSeconds: reset }]
    })
  )
}

/** 429 that says which limit, and when to come again. */
const isLimited = (t: Test, reply: Reply, name: string) => {
  fails(t, reply, 429, 'rate-limited')
  const limit = limitsOf(t, reply)[name]
  t.equal(limit?.remaining, 0, `by ${name}: ${reply.headers['ratelimit']}`)
  t.equal(reply.headers['retry-after'], String(Math.max(1, limit?.resetSeconds ?? -1)))
  t.match(reply.json().detail, `\`${name}\``)
}

const isPassed = (t: Test, { statusCode, text, headers }: Reply) => {
  t.not(statusCode, 429, text)
  t.equal(headers['retry-after'], undefined)
}

const withBulkhead = (t: Test, env: Record<string, string> = {}) => gateway(t, { RATE_LIMIT_MAX: String(MAX), ...env })

/** What draws from each class, with the number that passes in a minute. */
const classes: Record<string, { most: number; draws: ((at: Gateway) => Promise<Reply>)[] }> = {
  write: { most: 24, draws: [({ post }) => post(BUCKETS, { name: 'no' })] },
  delete: {
    most: 24,
    draws: [
      ({ del }) => del(`${BUCKETS}/holiday-pictures/files?path=none`),
      ({ del }) => del(`${BUCKETS}/holiday-pictures/files/none`),
      ({ del }) => del(`${BUCKETS}/none`, { headers: { 'confirm-delete': 'none' } }),
      ({ del }) => del(ACCOUNT)
    ]
  },
  usage: { most: 24, draws: [({ get }) => get(`${ACCOUNT}/usage`)] },
  key: {
    most: 2,
    draws: [({ get }) => get(`${ACCOUNT}/keys/access-key`), ({ get }) => get(`${ACCOUNT}/keys/secret-key`)]
  },
  order: { most: 1, draws: [({ post }) => post('/accounts', {}), ({ post }) => post('/orders', {})] }
}

t.test('limits by class', async t => {
  for (const [name, { most, draws }] of Object.entries(classes)) {
    t.test(`429 by \`${name}\` after ${most}, whichever of its operations, and by it alone`, async t => {
      const at = await withBulkhead(t)
      const draw = async (index: number) => (await draws[index % draws.length]?.(at)) ?? t.fail('no operation')
      for (let index = 0; index < most; index += 1) {
        const reply = (await draw(index)) as Reply
        isPassed(t, reply)
        const limit = limitsOf(t, reply)[name]
        t.match(limit, { quota: most, windowSeconds: 60, remaining: most - index - 1 })
      }
      for (let index = 0; index < draws.length; index += 1) isLimited(t, (await draw(index)) as Reply, name)
      t.equal((await at.get(BUCKETS)).statusCode, 200, 'reads go on')
      for (const [other, { draws }] of Object.entries(classes)) {
        const reply = other === name ? undefined : await draws[0]?.(at)
        if (reply) isPassed(t, reply)
      }
      t.equal((await at.get(BUCKETS, { token: at.sandbox.control.tokenOf('other') })).statusCode, 404, 'so do others')
      t.not((await draws[0]?.({ ...at, ...asOther(at) }))?.statusCode, 429)
    })
  }

  t.test('429 by `caller` after as many as all classes share, with the cost of each operation', async t => {
    const { get, post } = await withBulkhead(t)
    const left = async (reply: Promise<Reply>) => limitsOf(t, await reply)['caller']?.remaining
    t.equal(await left(get(BUCKETS)), MAX - 1)
    t.equal(await left(post(BUCKETS, { name: 'cost-three' })), MAX - 4)
    t.equal(await left(get(`${ACCOUNT}/usage`)), MAX - 5)
    for (let used = 5; used < MAX - 1; used += 1) isPassed(t, await get(BUCKETS))
    isLimited(t, await post(BUCKETS, { name: 'one-left' }), 'caller')
  })

  t.test('an operation that costs more than there is at all is possible once', async t => {
    const { post } = await withBulkhead(t, { RATE_LIMIT_MAX: '2' })
    isPassed(t, await post(BUCKETS, { name: 'dear' }))
    isLimited(t, await post(BUCKETS, { name: 'dearer' }), 'caller')
  })

  t.test('429 by `order-long` after 4 in an hour, one a minute', async t => {
    const redis = await redisServer(t)
    const { at } = await replicas(t, { RATE_LIMIT_MAX: String(MAX), REDIS_URL: redis.url }, { count: 1 })
    const { post } = at(0)
    for (let minute = 0; minute < 4; minute += 1) {
      const reply = await post('/orders', {})
      isPassed(t, reply)
      t.match(limitsOf(t, reply)['order-long'], { quota: 4, windowSeconds: 3600, remaining: 3 - minute })
      isLimited(t, await post('/accounts', {}), 'order')
      await redis.age(MINUTE_MS + 1)
    }
    const reply = await post('/orders', {})
    isLimited(t, reply, 'order-long')
    const seconds = Number(reply.headers['retry-after'])
    t.ok(seconds > 3300 && seconds <= 3360, `${seconds} s`)
    await redis.age(56 * MINUTE_MS)
    isPassed(t, await post('/orders', {}))
  })
})

/** The same requests by another customer. */
const asOther = ({ send, sandbox }: Gateway): Pick<Gateway, 'get' | 'post' | 'del'> => {
  const token = sandbox.control.tokenOf('other')
  return {
    get: (path, options) => send('GET', path, { token, ...options }),
    post: (path, body, options) => send('POST', path, { token, ...options, body }),
    del: (path, options) => send('DELETE', path, { token, ...options })
  }
}

/** Two times the caller's; the harness has read the document before. */
const PASSES = 2 * 5 - 1

t.test('limits by address', async t => {
  t.test('429 by `ip` for requests without a credential, and only they draw from it alone', async t => {
    const { get } = await withBulkhead(t, { RATE_LIMIT_MAX: '5' })
    for (let used = 0; used < PASSES; used += 1) {
      const reply = await get('/accounts', { token: null })
      t.equal(reply.statusCode, 401)
      t.strictSame(Object.keys(limitsOf(t, reply)), ['ip'])
    }
    isLimited(t, await get('/accounts', { token: null }), 'ip')
    isLimited(t, await get(BUCKETS), 'ip')
    isLimited(t, await get('/no-such-route'), 'ip')
  })

  t.test('429 by `ip` for a made-up token in every request', async t => {
    const { get } = await withBulkhead(t, { RATE_LIMIT_MAX: '5' })
    for (let used = 0; used < PASSES; used += 1) isPassed(t, await get(BUCKETS, { token: String(used).repeat(32) }))
    isLimited(t, await get(BUCKETS, { token: 'f'.repeat(32) }), 'ip')
    isLimited(t, await get(BUCKETS, { token: `hks_billing_${'f'.repeat(32)}` }), 'ip')
  })
})

t.test('a service of the class `high`', async t => {
  const both = await replicas(t, { RATE_LIMIT_MAX: '20' }, { count: 1, rate: 'high' })
  const { get } = both.at(0)

  t.test('429 after ten times as many, though they come from one address', async t => {
    const replies: Reply[] = []
    while (replies.length < 200) replies.push(await get(BUCKETS, both.service))
    t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))], [200])
    const withBulkhead = await get(BUCKETS, both.service)
    isLimited(t, withBulkhead, 'caller')
    const { caller, ip } = limitsOf(t, withBulkhead)
    t.strictSame([caller?.quota, ip?.quota], [200, 400])
  })

  t.test('takes nothing from others at its address, who have the usual limit', async t => {
    for (let used = 0; used < 20; used += 1) isPassed(t, await get(BUCKETS))
    isLimited(t, await get(BUCKETS), 'caller')
  })
})
