import { request } from 'node:http'
import t from 'tap'
import { type FaultKind, startSandbox } from '../../../../src/sandbox/index.ts'
import type { Effect } from '../../../../src/upstream/actions/action.ts'
import type { ActionName } from '../../../../src/upstream/actions/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { sendSample } from '../../../support/harness/action-requests.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { stablePort } from '../../../support/harness/stable-port.ts'

/** Deadlines, ms: one that is reached, and one that is never reached, even on a busy machine. */
const HASTY = '500'
const PATIENT = '20000'

/** An action of each effect; see docs/explanation/reliability.md#retries. */
const actionOf = {
  read: 'get_users',
  'async-read': 'get_buckets_rmq',
  secret: 'show_key',
  write: 'delete_bucket',
  provision: 'delete_account'
} as const satisfies Partial<Record<Effect, ActionName>>

/** The list that verifies a write whose answer is lost. */
const lists: { readonly [A in ActionName]?: ActionName } = { delete_bucket: 'get_buckets', delete_account: 'get_users' }

const early = ['reset-before', 'html-502', 'html-503', 'html-504'] as const
const ambiguous = ['hang', 'empty-500', 'html-200', 'truncated'] as const

t.test('retries by effect', async t => {
  const sandbox = await startSandbox({ seed: crypto.randomUUID() })
  const { control } = sandbox
  t.after(() => sandbox.close())
  t.beforeEach(() => control.reset())

  for (const [effect, action] of Object.entries(actionOf)) {
    const list = lists[action]
    // A gateway for each group, so that no circuit opens.
    t.test(`a ${effect} that fails early`, async t => {
      const g = await gateway(t, { UPSTREAM_TIMEOUT_MS: PATIENT }, { sandbox })
      const hits = effect === 'read' ? 2 : 1
      for (const kind of early) {
        t.test(`is sent ${hits === 2 ? 'twice' : 'once'} (${kind})`, async t => {
          control.fault({ kind, action })
          t.ok((await sendSample(g, action)).statusCode >= 500)
          t.equal(control.counters()[action], hits)
        })
      }
    })
    t.test(`a ${effect} whose failure is ambiguous`, async t => {
      const g = await gateway(t, { UPSTREAM_TIMEOUT_MS: HASTY }, { sandbox })
      for (const kind of ambiguous) {
        t.test(`is sent once (${kind})`, async t => {
          control.fault({ kind, action })
          // The verification fails too.
          if (list) control.fault({ kind: 'html-200', action: list })
          const reply = await sendSample(g, action)
          t.ok(reply.statusCode >= 500)
          t.equal(control.counters()[action], 1)
          if (list) t.equal(reply.json().outcome, 'unknown')
        })
      }
    })
  }
})

t.test('retries of a read', async t => {
  const g = await gateway(t, { UPSTREAM_TIMEOUT_MS: PATIENT })
  const { control } = g.sandbox
  t.beforeEach(() => control.reset())

  t.test('200 when the second attempt succeeds', async t => {
    control.fault({ kind: 'reset-before', action: 'get_users', count: 1 })
    t.equal((await g.get('/accounts')).statusCode, 200)
    t.equal(control.counters()['get_users'], 2)
  })

  t.test('a read is not repeated when too little of the deadline is left', async t => {
    const impatient = await gateway(t, { UPSTREAM_TIMEOUT_MS: HASTY }, { sandbox: g.sandbox })
    control.fault({ kind: 'latency', action: 'get_users', ms: 350 })
    control.fault({ kind: 'reset-before', action: 'get_users' })
    t.ok((await impatient.get('/accounts')).statusCode >= 500)
    t.equal(control.counters()['get_users'], 1)
  })

  t.test('a refusal is never repeated', async t => {
    const kinds: FaultKind[] = ['refusal', 'throttled', 'bare-error']
    for (const kind of kinds) control.fault({ kind, action: 'get_users', count: 1 })
    for (const _ of kinds) t.ok((await g.get('/accounts')).statusCode >= 400)
    t.equal(control.counters()['get_users'], kinds.length)
  })

  t.test('a caller that disconnects aborts a read, but no write that was sent', async t => {
    const disconnect = async (method: string, path: string, action: string) => {
      const call = request(`${g.url}${path}`, { method, headers: { authorization: `Bearer ${g.sandbox.demo.token}` } })
      call.on('error', () => undefined)
      call.end()
      t.ok(await eventually(() => control.counters()[action] === 1))
      call.destroy()
    }
    g.lines.length = 0
    control.fault({ kind: 'latency', action: 'delete_bucket', ms: 250 })
    await disconnect('DELETE', '/accounts/s3_user_1/buckets/empty-bucket', 'delete_bucket')
    const metrics = async () => (await fetch(`${g.managementUrl}/metrics`)).text()
    const finished = (action: string, result: string) => async () =>
      new RegExp(`action="${action}",result="${result}"`).test(await metrics())
    t.ok(
      await eventually(finished('delete_bucket', '(ok|bucket-not-found)')),
      'the gateway waited for the answer of the write'
    )
    control.fault({ kind: 'hang', action: 'history' })
    await disconnect('GET', '/plans/1/history', 'history')
    t.ok(await eventually(finished('history', 'upstream-timeout')), 'the read did not wait for its deadline')
  })
})

t.test('retries when certainly nothing was sent', async t => {
  // A closed port: the system refuses each connection.
  const g = await gateway(t, { UPSTREAM_URL: `http://127.0.0.1:${await stablePort()}/` })
  const attempts = async (action: string) => {
    const text = await (await fetch(`${g.managementUrl}/metrics`)).text()
    const counts = text.matchAll(new RegExp(`_count\\{action="${action}",result="upstream-unreachable"\\} (\\d+)`, 'g'))
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
  }
  for (const [effect, action] of Object.entries(actionOf)) {
    t.test(`a ${effect} is tried ${effect === 'provision' ? 'once' : 'twice'}: 502 upstream-unreachable`, async t => {
      const isWrite = effect === 'write' || effect === 'provision'
      fails(t, await sendSample(g, action), 502, 'upstream-unreachable', isWrite ? { outcome: 'not-applied' } : {})
      t.equal(await attempts(action), effect === 'provision' ? 1 : 2)
    })
  }
})

t.test('retries stay within their budget during an outage', async t => {
  const g = await gateway(t)
  const { control } = g.sandbox
  control.fault({ kind: 'html-503' })
  const requests = 200
  const clients = 40
  const replies = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const statuses: number[] = []
      // Different parameters: identical reads would share one call.
      while (statuses.length < requests / clients) {
        statuses.push((await g.get(`/accounts?limit=${client * 10 + statuses.length + 1}`)).statusCode)
      }
      return statuses
    })
  )
  const statuses = replies.flat()
  // 503: the circuit is open.
  t.strictSame(new Set(statuses), new Set([502, 503]))
  const sent = statuses.filter(status => status === 502).length
  const hits = control.counters()['get_users'] ?? 0
  t.ok(hits <= 1.2 * sent + 3, `${hits} calls for the ${sent} requests that were sent`)
  t.ok(hits <= 1.2 * requests, `${hits} calls for ${requests} requests`)
})
