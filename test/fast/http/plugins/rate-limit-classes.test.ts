import t, { type Test } from 'tap'
import { isLimited, limitsOf } from '../../../support/assert/rate-limits.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { freshToken } from '../../../support/harness/fresh-token.ts'
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
      t.equal((await at.get(BUCKETS)).statusCode, 200, 'HOSTKEY has accepted the token: it has limits of its own')
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
    const { get, post } = at(0)
    t.equal((await get(BUCKETS)).statusCode, 200, 'HOSTKEY has accepted the token: it has limits of its own')
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

t.test('limits by customer', async t => {
  const order = (key: string) => ({ headers: { 'idempotency-key': key.repeat(16) } })
  const body = (bucketName: string) => ({ planId: 2, bucketName })

  t.test('429 by `key` and `order` after the quota of all tokens and sessions of a customer', async t => {
    const at = await limitedGateway(t)
    const { get, post, sandbox } = at
    const second = await freshToken(sandbox)
    const browser = createBrowser(at)
    await browser.logIn({ apiKey: sandbox.demo.apiKey })
    isPassed(t, await get(`${ACCOUNT}/keys/access-key`))
    isPassed(t, await get(`${ACCOUNT}/keys/access-key`, { token: second }))
    isLimited(t, await get(`${ACCOUNT}/keys/access-key`), 'key')
    isLimited(t, await browser.get(`${ACCOUNT}/keys/secret-key`), 'key')
    isPassed(t, await post('/orders', body('first'), order('a')))
    isLimited(t, await post('/orders', body('second'), { token: second, ...order('b') }), 'order')
    isPassed(t, await get(`${ACCOUNT}/keys/access-key`, { token: sandbox.control.tokenOf('other') }))
  })

  t.test('HOSTKEY is asked once for the customer of a token, and not for other reads', async t => {
    const { get, sandbox } = await limitedGateway(t)
    const actions = () => sandbox.control.calls().map(({ action }) => action)
    sandbox.control.clearCalls()
    await get(BUCKETS)
    t.strictSame(actions(), ['get_buckets'])
    sandbox.control.clearCalls()
    for (let read = 0; read < 2; read += 1) await get(`${ACCOUNT}/keys/access-key`)
    t.strictSame(actions(), ['info', 'show_key', 'show_key'])
  })

  t.test('tokens whose customer HOSTKEY does not tell share one quota in a network, and the log says why', async t => {
    const { get, sandbox, lines } = await limitedGateway(t)
    sandbox.control.fault({ kind: 'html-502', action: 'info' })
    isPassed(t, await get(`${ACCOUNT}/keys/access-key`))
    isPassed(t, await get(`${ACCOUNT}/keys/access-key`, { token: await freshToken(sandbox) }))
    isLimited(t, await get(`${ACCOUNT}/keys/access-key`, { token: sandbox.control.tokenOf('admin') }), 'key')
    t.match(lines.join(''), /"reason":"upstream-unavailable","msg":"the customer of a token is not known/)
  })

  t.test('a check of an order counts against `check`, a known Idempotency-Key only against `caller`', async t => {
    const { post, sandbox } = await limitedGateway(t)
    const names = async (reply: Promise<Reply>) => Object.keys(limitsOf(t, await reply))
    for (let check = 0; check < 3; check += 1) {
      t.strictSame(await names(post('/orders/checks', body('photos'))), ['ip', 'caller', 'check'])
    }
    sandbox.control.fault({ kind: 'latency', action: 'create_order', ms: 300 })
    const first = post('/orders', body('photos'), order('a'))
    t.ok(await eventually(() => (sandbox.control.counters()['create_order'] ?? 0) === 1))
    const running = await post('/orders', body('photos'), order('a'))
    t.strictSame([running.statusCode, Object.keys(limitsOf(t, running))], [409, ['ip', 'caller']])
    t.strictSame(await names(first), ['ip', 'caller', 'order', 'order-long'])
    const replayed = await post('/orders', body('photos'), order('a'))
    t.strictSame([replayed.statusCode, Object.keys(limitsOf(t, replayed))], [201, ['ip', 'caller']])
    for (let attempt = 0; attempt < 2; attempt += 1)
      isLimited(t, await post('/orders', body('other'), order('b')), 'order')
  })
})

t.test('DELETE_RATE_LIMIT_MAX sets the limit of deletions, and no other', async t => {
  const { del, post } = await limitedGateway(t, { DELETE_RATE_LIMIT_MAX: '30' })
  t.equal(limitsOf(t, await del(`${BUCKETS}/none`))['delete']?.quota, 30)
  t.equal(limitsOf(t, await post(BUCKETS, { name: 'no' }))['write']?.quota, 24)
  const login = await post('/session', { apiKey: 'x' }, { token: null, headers: { 'x-csrf': '1' } })
  t.equal(limitsOf(t, login)['login']?.quota, 2)
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

  t.test('429 for a made-up token in every request: all have the quota of one caller, then of one address', async t => {
    const { get } = await limitedGateway(t, { RATE_LIMIT_MAX: '5' })
    for (let used = 0; used < PASSES; used += 1) {
      const reply = await get(BUCKETS, { token: String(used).repeat(32) })
      if (used < PASSES / 2) isPassed(t, reply)
      else isLimited(t, reply, 'caller')
    }
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
