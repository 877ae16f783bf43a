import t, { type Test } from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'

const statuses = async (ask: () => ReturnType<Gateway['get']>, times: number) => {
  const replies = []
  for (let n = 0; n < times; n += 1) replies.push((await ask()).statusCode)
  return replies
}

/** The last reply is limited, all others are not. */
const areLimited = (t: Test, seen: number[], status: number) => {
  t.equal(seen.at(-1), 429, seen.join())
  t.strictSame([...new Set(seen.slice(0, -1))], [status])
}

t.test('a caller', async t => {
  const { get, asked, sandbox } = await gateway(t, { RATE_LIMIT_MAX: '5' })

  t.test('429 rate-limited above the quota, and HOSTKEY is not called', async t => {
    t.strictSame(await statuses(() => get('/accounts'), 5), [200, 200, 200, 200, 200])
    t.equal(asked().length, 5)
    const reply = await get('/accounts')
    fails(t, reply, 429, 'rate-limited', {
      retryable: true,
      detail: 'More than 5 requests in 60 s for the limit `caller`.'
    })
    t.match(reply.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/)
    t.match(reply.headers['ratelimit'], /"caller";r=0;t=\d/)
    t.match(reply.headers['ratelimit-policy'], /"caller";q=5;w=60$/)
    t.equal(asked().length, 5)
  })

  t.test('200 for another caller at the same address', async t => {
    t.equal((await get(BUCKETS, { token: sandbox.control.tokenOf('admin') })).statusCode, 200)
  })
})

t.test('200 again when the window is over', async t => {
  const { get } = await gateway(t, { RATE_LIMIT_MAX: '5', RATE_LIMIT_WINDOW_MS: '1000' })
  const status = async () => (await get('/accounts')).statusCode
  // Enough requests that one window holds more than five, also on a slow machine.
  t.ok((await Promise.all(Array.from({ length: 60 }, status))).includes(429))
  t.ok(await eventually(async () => (await status()) === 200))
})

t.test('429 rate-limited, outcome not-applied, for a write, and HOSTKEY is not called', async t => {
  const { post, del, asked } = await gateway(t, { RATE_LIMIT_MAX: '20' })
  await post('/accounts', { planId: 77, bucketName: 'photos' })
  const before = asked().length
  const body = { planId: 1, bucketName: 'photos' }
  fails(t, await post('/accounts', body), 429, 'rate-limited', { outcome: 'not-applied', retryable: true })
  const order = await post('/orders', { ...body, planId: 2 }, { headers: { 'idempotency-key': 'a'.repeat(16) } })
  fails(t, order, 429, 'rate-limited', { outcome: 'not-applied' })
  t.equal(asked().length, before)
  await statuses(() => del(`${BUCKETS}/nothing`), 2)
  fails(t, await del(`${BUCKETS}/nothing`), 429, 'rate-limited', { outcome: 'not-applied' })
  t.equal(asked().length, before + 2)
})

t.test('an address', async t => {
  const from = (address: string) => ({ token: null, headers: { 'x-forwarded-for': address } })

  t.test('429 for forged addresses: without TRUST_PROXY no header is trusted', async t => {
    const { get } = await gateway(t, { RATE_LIMIT_MAX: '3' })
    areLimited(
      t,
      await statuses(() => get('/problems/internal', from(`192.0.2.${Math.floor(Math.random() * 250)}`)), 7),
      200
    )
  })

  t.test('429 for one address behind a trusted proxy, and 200 for another', async t => {
    const { get, lines } = await gateway(t, { RATE_LIMIT_MAX: '3', TRUST_PROXY: 'loopback' })
    t.strictSame(
      await statuses(() => get('/problems/internal', from('192.0.2.1')), 7),
      [200, 200, 200, 200, 200, 200, 429]
    )
    t.equal((await get('/problems/internal', from('192.0.2.2'))).statusCode, 200)
    t.equal(
      (await get('/problems/internal', from('192.0.2.3, 192.0.2.1'))).statusCode,
      429,
      'an address that the caller puts before it is ignored'
    )
    t.ok(lines.some(line => line.includes('"ip":"192.0.2.1"')))
  })

  t.test('requests with a malformed URL count', async t => {
    const { get } = await gateway(t, { RATE_LIMIT_MAX: '2' })
    areLimited(t, await statuses(() => get('/%zz', { token: null }), 5), 400)
  })

  t.test('refused requests count', async t => {
    const { get } = await gateway(t, { RATE_LIMIT_MAX: '2' })
    areLimited(t, await statuses(() => get('/nowhere', { token: null }), 5), 404)
  })
})
