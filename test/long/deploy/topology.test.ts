import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { redisSentinel, redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { callersOf, type Outcome, summary } from './topology/callers.ts'
import { caddyFront } from './topology/front.ts'
import { composeGateways, redisFlags } from './topology/gateways.ts'

/** Long enough for a failover of Sentinel on a busy machine; nothing waits for it to pass. */
const PATIENCE_MS = 60_000
/** The least number of requests of each phase: fewer would prove nothing. */
const MIN_REQUESTS = 100

const say = (text: string) => process.stdout.write(`# topology: ${text}\n`)

const isGood = ({ status }: Outcome) => status === 200 || status === 201

/** While Redis is away a session gets 503 with its cookie untouched; the others need no store. */
const isBearable = ({ caller, status, text, setsCookie }: Outcome) =>
  caller === 'session' && status === 503 && text.includes('/problems/store-unavailable') && !setsCookie

t.test('the deployment of deploy/compose.yml, without containers, and with Sentinel', async t => {
  const folder = temporaryFolder(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  sandbox.control.setCredit('demo', 1_000_000)

  const password = randomUUID()
  const flags = [...redisFlags, '--requirepass', password, '--masterauth', password, '--repl-diskless-sync-delay', '0']
  const first = await redisServer(t, { settings: flags })
  const second = await redisServer(t, { settings: [...flags, '--replicaof', `127.0.0.1 ${first.port}`] })
  const sentinel = await redisSentinel(t, { masterPort: first.port, masterPassword: password, password: 'of-sentinel' })
  const replicas = async () => ((await sentinel.command('SENTINEL', 'REPLICAS', 'mymaster')) as unknown[]).length
  t.ok(await eventually(async () => (await replicas()) === 1, PATIENCE_MS), 'Redis has a replica')

  const settings = {
    UPSTREAM_URL: sandbox.url,
    REDIS_PASSWORD: password,
    REDIS_SENTINELS: sentinel.address,
    REDIS_SENTINEL_PASSWORD: 'of-sentinel',
    RATE_LIMIT_MAX: '1000000'
  }
  const gateways = await composeGateways(t, folder, settings)
  const front = await caddyFront(t, folder, gateways.ports)
  await gateways.startAll(front.url)
  const callers = callersOf(front.url, front.ca, sandbox.demo.token)
  t.after(() => callers.close())
  const isServed = async () => (await callers.readSession()).status === 401
  t.ok(await eventually(isServed, PATIENCE_MS), 'the front has found the gateways')
  await callers.logIn()

  await t.test('conforms through the front', async t => {
    const args = ['--url', `${front.url}/`, '--profile', 'full', '--sandbox', sandbox.url, '--rate', '1000']
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: front.caFile, HOSTKEY_TOKEN: sandbox.demo.token }
    const { stdout } = await promisify(execFile)(process.execPath, ['conformance/main.ts', ...args], { env }).catch(
      error => error
    )
    t.match(stdout, /\n\d+ passed, 0 failed, 0 drifted/)
    say(String(stdout).trim().split('\n').slice(-2).join(' '))
  })

  await t.test('npm run doctor finds no fault', async t => {
    const env = { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: front.caFile, DOCTOR_TOKEN: sandbox.demo.token }
    const args = ['src/commands/doctor.ts', '--url', front.url]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env }).catch(error => error)
    t.match(stdout, /^ok {7}Idempotency-Key: arrives/m)
    t.notMatch(stdout, /^fault/m)
  })

  await t.test('rolling restart and a renewed certificate: no request fails', async t => {
    const before = await front.certificate()
    const outcomes = await callers.during(async () => {
      for (const index of [0, 1]) {
        const { code } = await gateways.restart(index)
        t.equal(code, 0, `gateway ${index + 1} has drained`)
      }
      const isRenewed = async () => (await front.certificate()) !== before
      t.ok(await eventually(isRenewed, PATIENCE_MS), 'Caddy has renewed its certificate')
    })
    t.strictSame(outcomes.filter(each => !isGood(each)).slice(0, 5), [])
    t.ok(outcomes.length >= MIN_REQUESTS, `${outcomes.length}`)
    say(`rolling restart and renewal: ${summary(outcomes)}`)
  })

  await t.test('failover of Sentinel: sessions and orders are kept', async t => {
    sandbox.control.clearCalls()
    const order = await callers.order('the-order-before-the-failover', 'before-the-failover')
    t.equal(order.status, 201, order.text)
    const redis = new Redis({ port: first.port, password })
    // Replication is asynchronous: the replica confirms what it has.
    t.equal(await redis.wait(1, 5000), 1)
    redis.disconnect()
    const outcomes = await callers.during(async () => {
      await first.kill()
      const isBack = async () => (await callers.order('the-order-after-the-failover', 'after-it')).status === 201
      t.ok(await eventually(isBack, PATIENCE_MS), 'orders are taken again')
      t.ok(await eventually(async () => (await callers.readSession()).status === 200, PATIENCE_MS))
    })
    t.strictSame(outcomes.filter(each => !isGood(each) && !isBearable(each)).slice(0, 5), [])
    const again = await callers.order('the-order-before-the-failover', 'before-the-failover')
    t.equal(again.headers['idempotency-replayed'], 'true', again.text)
    t.equal(sandbox.control.calls().filter(({ action }) => action === 'create_order').length, 2, 'each was sent once')
    say(`failover: ${summary(outcomes)}`)
  })

  await t.test('loss and return of Redis: tokens are served, sessions wait', async t => {
    const before = [0, 1].map(front.refusals)
    const outcomes = await callers.during(async () => {
      await second.kill()
      t.ok(await eventually(async () => (await callers.readSession()).status === 503, PATIENCE_MS))
      t.ok(await eventually(async () => !(await gateways.areReady()), PATIENCE_MS))
      const isWithout = () => before.every((refusals, index) => front.refusals(index) > refusals)
      t.ok(await eventually(isWithout, PATIENCE_MS), 'Caddy has found neither ready')
      for (let reads = 0; reads < 20; reads += 1) t.equal((await callers.readBearer()).status, 200)
      await second.start(flags)
      t.ok(await eventually(gateways.areReady, PATIENCE_MS))
      t.ok(await eventually(async () => (await callers.readSession()).status === 200, PATIENCE_MS))
    })
    t.strictSame(outcomes.filter(each => !isGood(each) && !isBearable(each)).slice(0, 5), [])
    t.ok(outcomes.some(isBearable), 'the loss was noticed')
    say(`loss of Redis: ${summary(outcomes)}`)
  })
})
