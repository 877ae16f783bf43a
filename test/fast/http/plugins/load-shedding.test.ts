import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { MAX_PRESSURE } from '../../../../src/http/plugins/load-shedding.ts'
import { createPressure } from '../../../../src/http/pressure.ts'
import { fails } from '../../../support/assert/expect.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'

const ACCOUNT = '/accounts/s3_user_1'

t.test('requests are refused under load, the least important first', async t => {
  const pressure = { level: 0, stop: () => undefined }
  const g = await gateway(t, {}, { pressure })
  const { get, post, del, send, sandbox } = g
  const { control, demo } = sandbox
  const headers = { 'idempotency-key': 'k'.repeat(16), 'confirm-delete': 's3_user_1' }
  const logIn = () => createBrowser(g).logIn({ apiKey: demo.apiKey })
  t.beforeEach(() => control.clearCalls())

  /** The requests that are refused from each level. */
  const levels: Record<number, Record<string, () => Promise<Reply>>> = {
    1: {
      'the pages': () => get('/docs', { token: null }),
      'the document': () => get('/openapi.json', { token: null }),
      plans: () => get('/plans'),
      'the history of a plan': () => get('/plans/1/history')
    },
    2: { usage: () => get(`${ACCOUNT}/usage`) },
    3: {
      accounts: () => get('/accounts'),
      buckets: () => get(`${ACCOUNT}/buckets`),
      files: () => get(`${ACCOUNT}/buckets/logs/files`),
      'a key': () => get(`${ACCOUNT}/keys/access-key`),
      'the session': () => get('/session')
    },
    4: {
      'creating a bucket': () => post(`${ACCOUNT}/buckets`, { name: 'photos' }),
      'deleting a bucket': () => del(`${ACCOUNT}/buckets/empty-bucket`),
      'deleting an account': () => del(ACCOUNT, { headers }),
      'an order': () => post('/orders', { planId: 2, bucketName: 'photos' }, { headers })
    },
    5: { 'a login': logIn }
  }

  for (const [at, requests] of Object.entries(levels)) {
    for (const [name, ask] of Object.entries(requests)) {
      t.test(`${name}: served below level ${at}, else 503 overloaded with Retry-After`, async t => {
        for (let level = Number(at); level <= MAX_PRESSURE; level += 1) {
          pressure.level = level
          const reply = await ask()
          fails(t, reply, 503, 'overloaded', { retryable: true })
          t.match(reply.headers['retry-after'], /^[123]$/)
        }
        t.strictSame(control.counters(), {}, 'HOSTKEY is not called')
        pressure.level = Number(at) - 1
        const reply = await ask()
        t.ok(reply.statusCode < 500, `${reply.statusCode}`)
      })
    }
  }

  t.test('logouts, probes and problem pages are always served', async t => {
    pressure.level = 0
    const [one, all] = [createBrowser(g), createBrowser(g)]
    for (const browser of [one, all]) await browser.logIn({ apiKey: demo.apiKey })
    pressure.level = MAX_PRESSURE
    t.equal((await one.logOut()).statusCode, 204)
    t.equal((await all.del('/sessions')).statusCode, 204)
    for (const probe of ['/livez', '/readyz']) t.equal((await get(probe, { token: null })).statusCode, 200, probe)
    for (const probe of ['/livez', '/readyz', '/metrics']) {
      t.equal((await fetch(`${g.managementUrl}${probe}`)).status, 200, probe)
    }
    t.equal((await send('GET', '/problems/overloaded', { token: null })).statusCode, 200, 'the page of the problem')
  })
})

/** Waits for a level; a busy machine needs less time. */
const reaches = async (t: Test, isThere: () => boolean, during: () => void = () => undefined) => {
  const until = performance.now() + 20_000
  while (!isThere() && performance.now() < until) {
    during()
    await pause(20)
  }
  t.ok(isThere())
}

t.test('pressure', async t => {
  const pressure = createPressure(2)
  t.teardown(() => pressure.stop())
  const block = () => {
    const until = performance.now() + 400
    while (performance.now() < until);
  }

  t.test('ignores a single overloaded second', async t => {
    block()
    await pause(1100)
    t.equal(pressure.level, 0)
  })

  t.test('rises while the event loop is blocked, up to the maximum, and falls afterwards', async t => {
    await reaches(t, () => pressure.level === 1, block)
    await reaches(t, () => pressure.level === 2, block)
    for (let n = 0; n < 6; n += 1) {
      block()
      await pause(20)
    }
    t.equal(pressure.level, 2)
    await reaches(t, () => pressure.level === 0)
  })
})

t.test('pressure rises when the heap is almost full', async t => {
  const program = `
    import { getHeapStatistics } from 'node:v8'
    import { createPressure } from ${JSON.stringify(new URL('../../../../src/http/pressure.ts', import.meta.url).href)}
    const pressure = createPressure(5)
    const kept = []
    const share = () => getHeapStatistics().used_heap_size / getHeapStatistics().heap_size_limit
    while (share() < 0.85) kept.push(new Array(10_000).fill(0.5))
    await new Promise(resolve => setTimeout(resolve, 3500))
    console.log(pressure.level, kept.length > 0)
    pressure.stop()`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=200', '--max-semi-space-size=1', '--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 30_000 }
  )
  t.match(stdout, /^[1-5] true/, stderr)
})
