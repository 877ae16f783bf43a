import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { request } from 'undici'
import { createServiceRegistry } from '../../src/auth/services/registry.ts'
import { loadConfig } from '../../src/config/config.ts'
import { assembleGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/observability/log.ts'
import { startSandbox } from '../../src/sandbox/index.ts'
import { amount } from '../support/harness/amount.ts'
import { CALM } from '../support/harness/calm.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { withServices } from '../support/harness/services.ts'

const READERS = amount(50, 1000)
const INTERLEAVED = amount(500, 10_000)
const AT_ONCE = 50

const figure = figuresOf(t, 'cache-stampede')

const scopes = ['accounts:read', 'buckets:read', 'files:read', 'plans:read', 'keys:read', 'buckets:write'] as const

type Test = Parameters<typeof withServices>[0]

/** Two services of two customers, each with an account of its own. */
const setting = (t: Test) =>
  withServices(
    t,
    { one: { scopes: [...scopes] }, two: { customer: 'other', scopes: [...scopes] } },
    { LOG_LEVEL: 'info' }
  )

const own = { one: 's3_user_1', two: 's3_user_2' }
const names = ['one', 'two'] as const
type Name = (typeof names)[number]

/** A gateway without a socket: a thousand requests arrive at once on any machine. */
const injected = async (t: Test) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  const config = loadConfig({
    RATE_LIMIT_MAX: '1000000',
    LOG_LEVEL: 'silent',
    NODE_ENV: 'test',
    DATA_DIR: temporaryFolder(t)
  })
  const { app, close } = await assembleGateway({
    config,
    upstreamUrl: new URL(sandbox.url),
    registry: createServiceRegistry(undefined, {}),
    log: createLog(config.logLevel),
    pressure: CALM,
    isEphemeral: true
  })
  t.after(async () => {
    await close()
    await sandbox.close()
  })
  const tokens = { one: sandbox.control.tokenOf('demo'), two: sandbox.control.tokenOf('other') }
  const get = async (url: string, name: Name) => ({
    name,
    reply: await app.inject({ url, headers: { host: 'gateway', authorization: `Bearer ${tokens[name]}` } })
  })
  return { get, control: sandbox.control }
}

/** Does the reply contain the caller's own account, and not the other one? */
const isOwn = (text: string, name: Name) =>
  text.includes(`"${own[name]}"`) && !text.includes(`"${own[name === 'one' ? 'two' : 'one']}"`)

t.test(`${READERS} equal reads of each of two callers cost one call each`, async t => {
  const { get, control } = await injected(t)
  let mixed = 0
  let most = 0
  for (const [path, action] of [
    ['/accounts', 'get_users'],
    ['/plans', 'list_plans'],
    ['/accounts?limit=7', 'get_users']
  ] as const) {
    t.test(`200 for all reads of ${path}`, async t => {
      control.clearCalls()
      control.clearFaults()
      // Longer than all requests take to arrive.
      control.fault({ kind: 'latency', action, ms: amount(500, 3000) })
      const asking = Array.from({ length: 2 * READERS }, (_, n) => get(path, names[n % 2] ?? 'one'))
      const replies = await Promise.all(asking)
      t.same([...new Set(replies.map(({ reply }) => reply.statusCode))], [200])
      const hits = control.calls()
      t.same(
        hits.map(call => call.action),
        [action, action]
      )
      t.equal(new Set(hits.map(({ fields }) => fields['token'])).size, 2, 'one call under each token')
      most = Math.max(most, hits.length / names.length)
      if (action === 'get_users') mixed += replies.filter(({ name, reply }) => !isOwn(reply.body, name)).length
      t.equal(mixed, 0)
    })
  }
  t.test('figures', async t => {
    t.equal(most, 1)
    figure(`${READERS} misses of each of 2 callers, of accounts and of plans: ${most} call for each, ${mixed} mixed up`)
  })
})

t.test(
  `${INTERLEAVED} requests of two callers, ${AT_ONCE} at a time: no caller gets the answer of the other`,
  async t => {
    const { get, control } = await injected(t)
    let sent = 0
    let mixed = 0
    let failed = 0
    const worker = async () => {
      while (sent < INTERLEAVED) {
        const name = names[sent % 2] ?? 'one'
        sent += 1
        const { reply } = await get('/accounts', name)
        if (reply.statusCode !== 200) failed += 1
        else if (!isOwn(reply.body, name)) mixed += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    t.equal(failed, 0)
    t.equal(mixed, 0)
    const calls = control.counters()['get_users'] ?? 0
    t.ok(calls < INTERLEAVED, `${calls} calls for ${INTERLEAVED} requests`)
    figure(`${INTERLEAVED} interleaved requests of 2 callers: ${mixed} mixed up, ${calls} calls`)
  }
)

t.test('what is not shared', async t => {
  const { as, get, post, del, sandbox } = await setting(t)
  const { control } = sandbox
  const slow = (action: string, ms = 300) => control.fault({ kind: 'latency', action, ms, count: 1 })
  const ask = (path: string) => get(path, as.one)
  t.beforeEach(async () => {
    control.clearFaults()
    await ask('/session')
    control.clearCalls()
  })

  t.test('a credential: each reading is a call', async t => {
    control.fault({ kind: 'latency', action: 'show_key', ms: 100 })
    await Promise.all(['', '', ''].map(() => ask('/accounts/s3_user_1/keys/access-key')))
    t.equal(control.counters()['show_key'], 3)
  })

  t.test('other parameters, or another caller', async t => {
    slow('get_users', 200)
    await Promise.all([ask('/accounts?limit=1'), ask('/accounts?limit=2'), get('/accounts?limit=1', as.two)])
    t.equal(control.counters()['get_users'], 3)
  })

  t.test('the reads of a creation, before and after it', async t => {
    control.fault({ kind: 'latency', action: 'get_buckets', ms: 200 })
    const listed = ask('/accounts/s3_user_1/buckets')
    t.ok(await eventually(() => control.counters()['get_buckets'] === 1))
    const made = await post('/accounts/s3_user_1/buckets', { name: 'photos' }, as.one)
    t.equal(made.statusCode, 201, made.text)
    t.equal((await listed).statusCode, 200)
    t.equal(control.counters()['get_buckets'], 3)
  })

  t.test('a read that began before the end of a write, with reads after the write', async t => {
    slow('get_buckets', 1500)
    const before = ask('/accounts/s3_user_1/buckets')
    t.ok(await eventually(() => control.counters()['get_buckets'] === 1))
    t.equal((await del('/accounts/s3_user_1/buckets/empty-bucket', as.one)).statusCode, 204)
    const after = await ask('/accounts/s3_user_1/buckets')
    t.equal(control.counters()['get_buckets'], 2, 'a call of its own')
    t.notOk(after.text.includes('empty-bucket'))
    t.equal((await before).statusCode, 200)
  })
})

t.test('callers that share a call', async t => {
  const { as, url, get, lines, sandbox } = await setting(t)
  const { control } = sandbox
  const leaving = async () => {
    const controller = new AbortController()
    const gone = request(`${url}/accounts`, {
      headers: { authorization: `Bearer ${as.one.token}` },
      signal: controller.signal
    }).catch(() => 'gone')
    return { leave: () => controller.abort(), gone }
  }
  t.beforeEach(async () => {
    control.clearFaults()
    await get('/session', as.one)
    control.clearCalls()
  })

  t.test('200 for the others when the caller that began it disconnects', async t => {
    control.fault({ kind: 'latency', action: 'get_users', ms: 600 })
    const { leave, gone } = await leaving()
    t.ok(await eventually(() => control.counters()['get_users'] === 1))
    const staying = Promise.all(Array.from({ length: 5 }, () => get('/accounts', as.one)))
    await pause(100)
    leave()
    t.equal(await gone, 'gone')
    t.same(
      (await staying).map(({ statusCode }) => statusCode),
      [200, 200, 200, 200, 200]
    )
    t.equal(control.counters()['get_users'], 1)
  })

  t.test('200 by a call of its own after all others disconnected', async t => {
    control.fault({ kind: 'latency', action: 'get_users', ms: 2000, count: 1 })
    const { leave, gone } = await leaving()
    t.ok(await eventually(() => control.counters()['get_users'] === 1))
    leave()
    await gone
    await pause(100)
    const startedAt = performance.now()
    t.equal((await get('/accounts', as.one)).statusCode, 200)
    t.equal(control.counters()['get_users'], 2)
    t.ok(performance.now() - startedAt < 1500, 'and not after the call that was given up')
  })

  t.test('a failure reaches the callers that waited, and no later one', async t => {
    control.fault({ kind: 'latency', action: 'get_users', ms: 300, count: 1 })
    control.fault({ kind: 'html-200', action: 'get_users', count: 1 })
    const replies = await Promise.all(Array.from({ length: 10 }, () => get('/accounts', as.one)))
    t.same([...new Set(replies.map(({ statusCode }) => statusCode))], [502])
    t.equal(control.counters()['get_users'], 1)
    t.equal((await get('/accounts', as.one)).statusCode, 200)
  })

  t.test('the log counts the call once, and its time for each caller', async t => {
    control.fault({ kind: 'latency', action: 'get_users', ms: 300 })
    lines.length = 0
    const replies = await Promise.all(Array.from({ length: 10 }, () => get('/accounts', as.one)))
    const requests = () => lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
    t.ok(await eventually(() => requests().length === 10))
    t.equal(
      requests().reduce((sum, { upstreamCalls }) => sum + upstreamCalls, 0),
      control.counters()['get_users']
    )
    t.ok(
      replies.every(({ headers }) => Number(/upstream;dur=([0-9.]+)/.exec(headers['server-timing'] ?? '')?.[1]) > 50)
    )
  })
})
