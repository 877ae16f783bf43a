import { request } from 'node:http'
import t from 'tap'
import { MAX_IN_FLIGHT, MAX_WAITING } from '../../../../src/upstream/resilience/fair-queue.ts'
import { fails } from '../../../support/assert/expect.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { crowdedGateway } from '../../../support/harness/crowd.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import type { Reply } from '../../../support/harness/gateway.ts'

/** A different query each: identical reads would share one call. */
const accountsAt = (n: number) => `/accounts?limit=${n + 1}`

type Ask = (path: string) => Promise<Reply>

/** Calls of `get_users` wait while it is closed. */
const createGate = () => {
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  return {
    close() {
      gate = Promise.withResolvers()
    },
    open: () => gate.resolve(),
    pass: () => gate.promise
  }
}

t.test('concurrent requests', async t => {
  const gate = createGate()
  let held = 0
  const g = await crowdedGateway(t, async ({ action, token }, tokenOf) => {
    if (action !== 'get_users' || token === tokenOf('admin')) return undefined
    held += 1
    await gate.pass()
    return undefined
  })
  const { control, demo } = g.sandbox
  const browser = createBrowser(g)
  await browser.logIn({ apiKey: demo.apiKey })
  const callers: Record<string, Ask> = {
    'of a session': path => browser.get(path),
    'with a token': path => g.get(path, { token: control.tokenOf('other') })
  }
  const another = () => g.get('/accounts', { token: control.tokenOf('admin') })
  const metric = async (name: string) => {
    const metrics = await (await fetch(`${g.managementUrl}/metrics`)).text()
    const line = metrics.split('\n').find(line => line.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1) ?? 0)
  }
  const waiting = () => metric('gateway_upstream_calls_waiting{class="read"}')
  const refusals = () => metric('gateway_rate_limit_decisions_total{limit="in-flight",decision="refused"}')
  const recorded = () => metric('gateway_audit_events_total{event="limit.reached",outcome="rate-limited"}')
  await Promise.all(Object.values(callers).map(ask => ask('/accounts')))
  t.beforeEach(() => {
    held = 0
    gate.close()
  })

  for (const [who, ask] of Object.entries(callers)) {
    t.test(`${who}: 8 are sent, 64 wait, and 429 rate-limited for more; others are served`, async t => {
      const asked = Array.from({ length: MAX_IN_FLIGHT + MAX_WAITING }, (_, n) => ask(accountsAt(n)))
      t.ok(await eventually(async () => held === MAX_IN_FLIGHT && (await waiting()) === MAX_WAITING))
      const before = { refusals: await refusals(), recorded: await recorded() }
      const refused = await ask(accountsAt(99))
      fails(t, refused, 429, 'rate-limited', { retryable: true })
      fails(t, await ask(accountsAt(98)), 429, 'rate-limited')
      t.equal((await refusals()) - before.refusals, 2)
      t.ok(await eventually(async () => (await recorded()) === before.recorded + 1), 'once in the audit log')
      t.match(refused.json().detail, /`in-flight`/)
      t.equal(refused.headers['retry-after'], '1')
      t.equal((await another()).statusCode, 200)
      gate.open()
      const replies = await Promise.all(asked)
      t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))], [200])
      const queued = replies.filter(({ headers }) => !headers['server-timing']?.startsWith('queue;dur=0.0,'))
      t.equal(queued.length, MAX_WAITING)
    })
  }

  t.test('50 deletions of one caller: all are answered 204 or 404', async t => {
    const path = (n: number) => `/accounts/s3_user_1/buckets/logs/files?path=file-${n}`
    const replies = await Promise.all(Array.from({ length: 50 }, (_, n) => g.del(path(n))))
    t.strictSame(
      replies.map(({ statusCode }) => statusCode).filter(status => status !== 204 && status !== 404),
      []
    )
  })

  t.test('a caller that disconnects frees its places', async t => {
    const headers = { authorization: `Bearer ${control.tokenOf('other')}` }
    const leaving = Array.from({ length: MAX_IN_FLIGHT + MAX_WAITING }, (_, n) => {
      const call = request(g.url + accountsAt(n), { headers })
      call.on('error', () => undefined)
      call.end()
      return call
    })
    t.ok(await eventually(async () => (await waiting()) === MAX_WAITING))
    for (const call of leaving) call.destroy()
    t.ok(await eventually(async () => (await waiting()) === 0))
    gate.open()
    t.equal((await callers['with a token']?.('/accounts'))?.statusCode, 200)
  })

  t.test('503 draining for those who wait when the replica shuts down; nothing more is sent', async t => {
    const closing = createGate()
    let sent = 0
    const draining = await crowdedGateway(
      t,
      async ({ action }) => {
        if (action !== 'get_users') return undefined
        sent += 1
        await closing.pass()
        return undefined
      },
      { DRAIN_DELAY_MS: '0', DRAIN_GRACE_MS: '400' }
    )
    t.equal((await draining.get('/accounts')).statusCode, 200)
    closing.close()
    const asked = Array.from({ length: 2 * MAX_IN_FLIGHT }, (_, n) => draining.get(accountsAt(n)))
    const metrics = async () => (await fetch(`${draining.managementUrl}/metrics`)).text()
    t.ok(await eventually(async () => (await metrics()).includes(`calls_waiting{class="read"} ${MAX_IN_FLIGHT}\n`)))
    const [replies] = await Promise.all([Promise.all(asked), draining.running.drain()])
    t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))], [503])
    t.equal(sent, 1 + MAX_IN_FLIGHT)
    closing.open()
  })
})
