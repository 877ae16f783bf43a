import { randomBytes } from 'node:crypto'
import t from 'tap'
import { limitsOf } from '../../../support/assert/rate-limits.ts'
import { createBrowser, forged } from '../../../support/harness/browser-caller.ts'
import { freshToken } from '../../../support/harness/fresh-token.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { redisServer } from '../../../support/harness/redis.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'

t.test('tokens that HOSTKEY has not accepted', async t => {
  const redis = await redisServer(t)
  const { get, send, sandbox } = await gateway(t, {
    REDIS_URL: redis.url,
    SESSION_SECRET: 'x'.repeat(40),
    RATE_LIMIT_MAX: '30',
    LOGIN_RATE_LIMIT_MAX: '30'
  })
  const counters = async () =>
    (await redis.dump()).map(line => line.split(' ')[0] ?? '').filter(name => name.startsWith('hks3:limit:'))
  const madeUp = () => get(BUCKETS, { token: randomBytes(16).toString('hex') })

  t.test('draw from the limit of their network, and leave nothing of their own in the store', async t => {
    const statuses: number[] = []
    while (statuses.length < 35) statuses.push((await madeUp()).statusCode)
    t.strictSame(statuses.slice(0, 30), Array(30).fill(401))
    // On a busy machine Redis may be too late for one or two, which the replica then counts alone.
    t.strictSame(statuses.slice(-3), Array(3).fill(429))
    t.equal((await counters()).length, 2, 'one of the address, one of the strangers at it')
  })

  t.test('nor do cookies with a wrong secret draw from the limit of the session', async t => {
    const browser = createBrowser({ send })
    await browser.logIn({ apiKey: sandbox.demo.apiKey })
    const before = await counters()
    const reply = await createBrowser({ send }, forged(browser.cookie() ?? '')).get(BUCKETS)
    t.strictSame([reply.statusCode, Object.keys(limitsOf(t, reply))], [401, ['ip']])
    t.strictSame(await counters(), before)
  })

  t.test('have limits of their own once HOSTKEY accepts them, and have used one request', async t => {
    const other = await gateway(t, { RATE_LIMIT_MAX: '5' }, { sandbox })
    const statuses: number[] = []
    while (statuses.length < 7) statuses.push((await other.get(BUCKETS)).statusCode)
    t.strictSame(statuses, [...Array(5).fill(200), ...Array(2).fill(429)])
    const own = await other.get(BUCKETS, { token: await freshToken(sandbox) })
    t.equal(own.statusCode, 200, 'another token of the network is not limited by it')
  })
})
