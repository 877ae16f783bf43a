import t, { type Test } from 'tap'
import { isLimited, limitsOf } from '../../../support/assert/rate-limits.ts'
import { type Gateway, gateway, type Reply } from '../../../support/harness/gateway.ts'
import { redisServer } from '../../../support/harness/redis.ts'
import { replicas } from '../../../support/harness/replicas.ts'

/** The quotas that follow, a minute: 24 writes, deletes and usages, 2 logins and keys, 1 order. */
const MAX = 240
const MINUTE_MS = 60_000
const ACCOUNT = '/accounts/s3_user_1'
const BUCKETS = `${ACCOUNT}/buckets`

const isPassed = (t: Test, { statusCode, text, headers }: Reply) => {
  t.not(statusCode, 429, text)
  t.equal(headers['retry-after'], undefined)
}

const limitedGateway = (t: Test, env: Record<string, string> = {}) =>
  gateway(t, { RATE_LIMIT_MAX: String(MAX), ...env })

/** The operations of each class, and its quota a minute. */
const classes: Record<string, { quota: number; requests: ((at: Gateway) => Promise<Reply>)[] }> = {
  write: { quota: 24, requests: [({ post }) => post(BUCKETS, { name: 'no' })] },
  delete: {
    quota: 24,
    requests: [
      ({ del }) => del(`${BUCKETS}/holiday-pictures/files?path=none`),
      ({ del }) => del(`${BUCKETS}/holiday-pictures/files/none`),
      ({ del }) => del(`${BUCKETS}/none`, { headers: { 'confirm-delete': 'none' } }),
      ({ del }) => del(ACCOUNT)
    ]
  },
  usage: { quota: 24, requests: [({ get }) => get(`${ACCOUNT}/usage`)] },
  key: {
    quota: 2,
    requests: [({ get }) => get(`${ACCOUNT}/keys/access-key`), ({ get }) => get(`${ACCOUNT}/keys/secret-key`)]
  },
  order: { quota: 1, requests: [({ post }) => post('/accounts', {}), ({ post }) => post('/orders', {})] }
}

t.test('limits by class', async t => {
  for (const [name, { quota, requests }] of Object.entries(classes)) {
    t.test(`429 by \`${name}\` after ${quota} requests of any of its operations, and by no other limit`, async t => {
      const at = await limitedGateway(t)
      const send = async (index: number) => (await requests[index % requests.length]?.(at)) ?? t.fail('no operation')
      for (let index = 0; index < quota; index += 1) {
        const reply = (await send(index)) as Reply
        isPassed(t, reply)
        const limit = limitsOf(t, reply)[name]
        t.match(limit, { quota, windowSeconds: 60, remaining: quota - index - 1 })
      }
      for (let index = 0; index < requests.length; index += 1) isLimited(t, (await send(index)) as Reply, name)
      t.equal((await at.get(BUCKETS)).statusCode, 200, 'reads go on')
      for (const [other, { requests: others }] of Object.entries(classes)) {
        const reply = other === name ? undefined : await others[0]?.(at)
        if (reply) isPassed(t, reply)
      }
      t.equal((await at.get(BUCKETS, { token: at.sandbox.control.tokenOf('other') })).statusCode, 404, 'so do others')
      t.not((await requests[0]?.({ ...at, ...asOther(at) }))?.statusCode, 429)
    })
  }

  t.test('429 by `caller` after the quota that all classes share, counting the cost of each operation', async t => {
    const { get, post } = await limitedGateway(t)
    const left = async (reply: Promise<Reply>) => limitsOf(t, await reply)['caller']?.remaining
    t.equal(await left(get(BUCKETS)), MAX - 1)
    t.equal(await left(post(BUCKETS, { name: 'cost-three' })), MAX - 4)
    t.equal(await left(get(`${ACCOUNT}/usage`)), MAX - 5)
    for (let used = 5; used < MAX - 1; used += 1) isPassed(t, await get(BUCKETS))
    isLimited(t, await post(BUCKETS, { name: 'one-left' }), 'caller')
  })

  t.test('an operation whose cost is above the quota is allowed once', async t => {
    const { post } = await limitedGateway(t, { RATE_LIMIT_MAX: '2' })
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

/** The quota of an address: twice that of a caller. */
const PASSES = 2 * 5

t.test('limits by address', async t => {
  t.test('429 by `ip` for requests without a credential, which count against no other limit', async t => {
    const { get } = await limitedGateway(t, { RATE_LIMIT_MAX: '5' })
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
    const { get } = await limitedGateway(t, { RATE_LIMIT_MAX: '5' })
    for (let used = 0; used < PASSES; used += 1) isPassed(t, await get(BUCKETS, { token: String(used).repeat(32) }))
    isLimited(t, await get(BUCKETS, { token: 'f'.repeat(32) }), 'ip')
    isLimited(t, await get(BUCKETS, { token: `hks_billing_${'f'.repeat(32)}` }), 'ip')
  })
})

t.test('a service of the class `high`', async t => {
  const both = await replicas(t, { RATE_LIMIT_MAX: '20' }, { count: 1, rate: 'high' })
  const { get } = both.at(0)

  t.test('429 after ten times the usual quota, from one address', async t => {
    const replies: Reply[] = []
    while (replies.length < 200) replies.push(await get(BUCKETS, both.service))
    t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))], [200])
    const limited = await get(BUCKETS, both.service)
    isLimited(t, limited, 'caller')
    const { caller, ip } = limitsOf(t, limited)
    t.strictSame([caller?.quota, ip?.quota], [200, 400])
  })

  t.test('does not use up the usual limit of others at its address', async t => {
    for (let used = 0; used < 20; used += 1) isPassed(t, await get(BUCKETS))
    isLimited(t, await get(BUCKETS), 'caller')
  })
})
