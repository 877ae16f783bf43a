import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createClient, isProblem } from '../../client/src/index.ts'
import { type Fault, startSandbox } from '../../src/sandbox/index.ts'
import { amount } from '../support/harness/amount.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

const figure = figuresOf(t, 'order-patience')

/** The patience of the client. */
const PATIENCE_MS = 30_000

interface Stage {
  name: string
  /** The call to HOSTKEY during which the gateway is killed, and what becomes of it. */
  fault: Fault & { action: string }
  /** Does the order end with an account, or as not created? */
  isCreated: boolean
}

const slow = (action: string): Stage['fault'] => ({ kind: 'latency', action, ms: 1500, count: 1 })

const STAGES: Stage[] = [
  { name: 'while the customer is looked up', fault: slow('info'), isCreated: true },
  { name: 'while the order is checked', fault: slow('list_plans'), isCreated: true },
  { name: 'before the order is sent', fault: slow('get_users'), isCreated: true },
  {
    name: 'after HOSTKEY received the order, which it drops',
    fault: { kind: 'hang', action: 'create_order', count: 1 },
    isCreated: false
  },
  {
    name: 'after HOSTKEY executed the order',
    fault: { kind: 'hang-after', action: 'create_order', count: 1 },
    isCreated: true
  },
  { name: 'while the bucket is looked for', fault: slow('get_buckets'), isCreated: true }
]

t.test('client.order() when its gateway is killed', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  control.setCredit('demo', 1_000_000)
  const env = {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: temporaryFolder(t),
    LOG_LEVEL: 'silent',
    SESSION_SECRET: 'x'.repeat(40),
    UPSTREAM_TIMEOUT_MS: '3000',
    ORDER_LATE_EXECUTION_WINDOW_MS: '1000',
    ORDER_LEASE_MS: amount('1000', '4000')
  }
  const accountOf = ({ bucketName }: { bucketName: string }) =>
    control.state().accounts.find(({ buckets }) => buckets.includes(bucketName))
  const times: number[] = []
  // Each lives longer than its stage.
  const start = () => gatewayProcess(t, env)
  let other = await start()
  for (const { name, fault, isCreated } of amount(STAGES.slice(4, 5), STAGES)) {
    await t.test(name, async t => {
      // The one that takes over is the next one to be killed: a process less for each stage.
      const victim = other
      other = await start()
      control.clearFaults()
      control.clearCalls()
      control.fault(fault)
      let units = 0
      let url = victim.url
      /** What a load balancer does: the other gateway, once one is gone. */
      const balanced = async (request: Request): Promise<Response> => {
        const reply = await fetch(new Request(request.url.replace('http://balancer', url), request))
        if (request.method === 'POST' && reply.headers.get('ratelimit')?.includes('"order"')) units += 1
        return reply
      }
      const client = createClient({ baseUrl: 'http://balancer', token: demo.token, fetch: balanced })
      const startedAt = performance.now()
      const order = { planId: 2, bucketName: `killed-${randomUUID()}` }
      const running = client.order(order).catch((error: unknown) => error)
      const isCounted = () => (control.counters()[fault.action] ?? 0) > 0
      t.ok(await eventually(() => isCounted() || accountOf(order) !== undefined))
      victim.child.kill('SIGKILL')
      url = other.url
      const result = await running

      const ms = performance.now() - startedAt
      times.push(ms)
      t.ok(ms < PATIENCE_MS, `${Math.round(ms)} ms`)
      t.ok((control.counters()['create_order'] ?? 0) <= 1, 'sent once')
      t.ok(units <= 1, `${units} units of the limit`)
      const account = accountOf(order)
      t.equal(account !== undefined, isCreated)
      if (isCreated) t.equal((result as { s3uid?: string }).s3uid, account?.s3uid, String(result))
      else t.match(isProblem(result) && result, { name: 'upstream-bad-response', outcome: 'not-applied' })
    })
  }
  figure(`${times.length} stages, at most ${(Math.max(...times) / 1000).toFixed(1)} s`)
})
