import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { MAX_IN_FLIGHT, MAX_WAITING } from '../../../../src/upstream/resilience/fair-queue.ts'
import { fails } from '../../../support/assert/expect.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import type { Reply } from '../../../support/harness/gateway.ts'
import { withServices } from '../../../support/harness/services.ts'

/** A different query each: identical reads would share one call. */
const accountsAt = (n: number) => `/accounts?limit=${n + 1}`

type Ask = (path: string) => Promise<Reply>

const statusesOf = (replies: Reply[]) => Object.groupBy(replies, ({ statusCode }) => statusCode)

t.test('concurrent requests', async t => {
  const g = await withServices(t, { reports: {} })
  const { control, demo } = g.sandbox
  const browser = createBrowser(g)
  await browser.logIn({ apiKey: demo.apiKey })
  const seen = () => control.counters()['get_users'] ?? 0
  const callers: Record<string, Ask> = {
    'of a session': path => browser.get(path),
    'with a token': path => g.get(path, { token: control.tokenOf('other') }),
    'of a service': path => g.get(path, g.as.reports)
  }
  await Promise.all(Object.values(callers).map(ask => ask('/accounts')))
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })

  for (const [who, ask] of Object.entries(callers)) {
    t.test(`${who}: 8 are sent, 64 wait, and 429 rate-limited for more; others are served`, async t => {
      control.fault({ kind: 'latency', action: 'get_users', ms: 400, count: MAX_IN_FLIGHT })
      const asked = Array.from({ length: MAX_IN_FLIGHT + MAX_WAITING + 2 }, (_, n) => ask(accountsAt(n)))
      t.ok(await eventually(() => seen() >= MAX_IN_FLIGHT))
      for (const [other, askToo] of Object.entries(callers)) {
        if (other !== who) t.equal((await askToo('/accounts')).statusCode, 200, other)
      }
      t.equal(seen(), MAX_IN_FLIGHT + 2)
      const { 200: served = [], 429: refused = [], ...rest } = statusesOf(await Promise.all(asked))
      t.strictSame(rest, {})
      t.equal(refused.length, 2)
      for (const reply of refused) {
        fails(t, reply, 429, 'rate-limited', { retryable: true })
        t.match(reply.json().detail, /`in-flight`/)
      }
      t.equal(refused[0]?.headers['retry-after'], '1')
      t.equal(served.length, MAX_IN_FLIGHT + MAX_WAITING)
      t.ok(served.some(({ headers }) => Number(/queue;dur=([0-9.]+)/.exec(headers['server-timing'] ?? '')?.[1]) > 100))
    })
  }

  t.test('50 deletions of one caller: all are answered 204 or 404', async t => {
    control.fault({ kind: 'latency', action: 'delete_file', ms: 60 })
    const path = (n: number) => `/accounts/s3_user_1/buckets/logs/files?path=file-${n}`
    const replies = await Promise.all(Array.from({ length: 50 }, (_, n) => g.del(path(n))))
    t.strictSame(
      Object.keys(statusesOf(replies)).filter(status => status !== '204' && status !== '404'),
      []
    )
  })

  /** Requests of a caller that hangs up. */
  const leaving = (count: number) => {
    let refused = 0
    const calls = Array.from({ length: count }, (_, n) => {
      const headers = { authorization: `Bearer ${control.tokenOf('other')}` }
      const call = request(g.url + accountsAt(n), { headers })
      call.on('error', () => undefined)
      call.on('response', ({ statusCode }) => {
        if (statusCode === 429) refused += 1
      })
      call.end()
      return call
    })
    return {
      refused: () => refused,
      leave: () => {
        for (const call of calls) call.destroy()
      }
    }
  }

  t.test('a caller that disconnects frees its places', async t => {
    control.fault({ kind: 'hang', action: 'get_users' })
    const { refused, leave } = leaving(MAX_IN_FLIGHT + MAX_WAITING + 1)
    t.ok(await eventually(() => refused() === 1), 'all places are taken')
    control.clearFaults()
    leave()
    t.ok(
      await eventually(async () => (await g.get('/accounts', { token: control.tokenOf('other') })).statusCode === 200)
    )
    const again = Array.from({ length: MAX_IN_FLIGHT + MAX_WAITING }, (_, n) =>
      callers['with a token']?.(accountsAt(n))
    )
    t.strictSame([...new Set((await Promise.all(again)).map(reply => reply?.statusCode))], [200])
  })

  t.test('503 draining for those who wait when the replica shuts down', async t => {
    const waiting = await withServices(t, { reports: {} }, { DRAIN_DELAY_MS: '0', DRAIN_GRACE_MS: '400' })
    const sent = () => waiting.sandbox.control.counters()['get_users'] ?? 0
    waiting.sandbox.control.fault({ kind: 'hang', action: 'get_users' })
    const asked = Array.from({ length: 2 * MAX_IN_FLIGHT }, (_, n) => waiting.get(accountsAt(n), waiting.as.reports))
    t.ok(await eventually(() => sent() === MAX_IN_FLIGHT))
    await pause(100)
    const [replies] = await Promise.all([Promise.all(asked), waiting.running.drain()])
    t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))], [503])
    t.equal(sent(), MAX_IN_FLIGHT, 'and nothing more was sent')
  })
})
