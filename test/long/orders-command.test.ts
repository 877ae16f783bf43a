import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { startSandbox } from '../../src/sandbox/index.ts'
import { fails } from '../support/assert/expect.ts'
import { eventually } from '../support/harness/eventually.ts'
import { gateway } from '../support/harness/gateway.ts'
import { redisServer } from '../support/harness/redis.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

/** For a process of Node: its settings are those of the test alone. */
const NODE = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }

const ledgers: Record<string, (t: Test) => Promise<Record<string, string>>> = {
  sqlite: async () => ({}),
  redis: async t => {
    const { url } = await redisServer(t, { settings: ['--appendonly', 'yes'] })
    return { REDIS_URL: url, SESSION_SECRET: 'x'.repeat(32) }
  }
}

for (const [kind, settings] of Object.entries(ledgers)) {
  t.test(`orders in ${kind} are listed and settled while the gateway runs`, async t => {
    const sandbox = await startSandbox({ seed: randomUUID() })
    t.after(() => sandbox.close())
    const { control } = sandbox
    control.setCredit('demo', 1_000_000)
    const folder = temporaryFolder(t)
    const env = {
      ...{ DATA_DIR: folder, UPSTREAM_URL: sandbox.url, AUDIT_LOG: join(folder, 'audit.log') },
      ...(await settings(t))
    }
    const { post, get } = await gateway(t, env, { sandbox })
    const order = (bucketName: string, key: string) =>
      post('/orders', { planId: 2, bucketName }, { headers: { 'idempotency-key': key.padEnd(16, '-') } })
    const orders = async (...args: string[]): Promise<string> => {
      const options = { env: { ...NODE, ...env } }
      const { stdout } = await promisify(execFile)(process.execPath, ['src/commands/orders.ts', ...args], options)
      return stdout
    }
    const refused = (...args: string[]) => orders(...args).catch(({ stderr }) => String(stderr))
    const idOf = (location: string | undefined) => location?.split('/').at(-1) ?? ''

    const done = await order('done', 'secret-key-1')
    control.fault({ kind: 'reset-before', action: 'create_order', count: 2 })
    const [one, two] = [await order('one', 'secret-key-2'), await order('two', 'secret-key-3')]
    t.same(
      [done, one, two].map(({ statusCode }) => statusCode),
      [201, 202, 202]
    )

    const unknown = await orders('list', '--state', 'unknown')
    t.match(unknown.split('\n'), [
      /^orderId +state +customer/,
      new RegExp(`^${idOf(one.headers['location'])}  unknown  1002  .*  one  .*upstream-timeout$`),
      new RegExp(`^${idOf(two.headers['location'])}  unknown  1002  .*  two  `),
      ''
    ])
    const all = (await orders('list', '--json', '--customer', '1002')).trim().split('\n')
    t.match(
      all.map(line => JSON.parse(line)),
      [{ state: 'succeeded', s3uid: done.json().s3uid }, {}, {}]
    )
    t.notMatch(all.join(), /secret-key|keyHash|fingerprint/)
    t.equal((await orders('list', '--customer', '1')).split('\n').length, 2)

    await orders('settle', idOf(one.headers['location']), '--as', 'failed')
    fails(t, await order('one', 'secret-key-2'), 502, 'upstream-bad-response', { outcome: 'not-applied' })
    t.equal((await order('one', 'secret-key-4')).statusCode, 201, 'the bucket name can be ordered again')
    const id = idOf(two.headers['location'])
    await orders('settle', id, '--as', 'succeeded', '--s3uid', 's3_user_77', '--bucket', 'c1002-two')
    t.match((await order('two', 'secret-key-3')).json(), { s3uid: 's3_user_77', bucket: 'c1002-two' })
    t.match((await get(`/orders/${id}`)).json(), { state: 'succeeded', s3uid: 's3_user_77' })
    const audit = readFileSync(env.AUDIT_LOG, 'utf8')
      .split('\n')
      .filter(line => line.includes('"order.settled"'))
      .map(line => JSON.parse(line))
    t.match(audit, [
      {
        outcome: 'failed',
        orderId: idOf(one.headers['location']),
        caller: /^user:/,
        customerId: 1002,
        target: 'one'
      },
      { outcome: 'succeeded', orderId: id, s3uid: 's3_user_77' }
    ])

    t.match(await refused('settle', id, '--as', 'failed'), /^The order has succeeded already\.\n$/)
    t.match(await refused('settle', randomUUID(), '--as', 'failed'), /^The ledger has no such order\.\n$/)
  })
}

t.test('a running order is not settled, and an account belongs to one order', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const folder = temporaryFolder(t)
  const env = { DATA_DIR: folder, UPSTREAM_URL: sandbox.url, AUDIT_LOG: join(folder, 'audit.log') }
  const { post } = await gateway(t, env, { sandbox })
  const order = (bucketName: string) =>
    post('/orders', { planId: 2, bucketName }, { headers: { 'idempotency-key': randomUUID() } })
  const refused = (args: string[], more: Record<string, string> = {}) =>
    promisify(execFile)(process.execPath, ['src/commands/orders.ts', ...args], {
      env: { ...NODE, ...env, ...more }
    }).then(
      ({ stdout }) => stdout,
      ({ stderr }) => String(stderr)
    )
  const { s3uid } = (await order('first')).json()
  sandbox.control.fault({ kind: 'reset-before', action: 'create_order', count: 1 })
  const id = (await order('lost')).headers['location']?.split('/').at(-1) ?? ''
  sandbox.control.fault({ kind: 'latency', action: 'create_order', ms: 5000, count: 1 })
  const running = order('running')
  t.ok(await eventually(() => sandbox.control.counters()['create_order'] === 3), 'the order is on its way')
  const runningId: string = (await order('running')).json().links.order.split('/').at(-1)
  const cases: [args: string[], reason: RegExp, env?: Record<string, string>][] = [
    [['settle', runningId, '--as', 'failed'], /^A request works on the order: try again in \d+ s\.\n$/],
    [['settle', id, '--as', 'succeeded'], /^--s3uid names the account/],
    [['settle', id, '--as', 'succeeded', '--s3uid', s3uid], /is the account of order/],
    [['settle', id, '--as', 'done'], /^--as is succeeded or failed\. See: npm run orders -- --help\n$/],
    [['list', '--state', 'lost'], /^--state is one of pending, succeeded, failed, unknown\./],
    [['list'], /^There is no order ledger in [^\n]*\n$/, { DATA_DIR: join(folder, 'none') }],
    [['list'], /^UPSTREAM_URL is not set/, { UPSTREAM_URL: '' }],
    [
      ['list'],
      /^[^\n]*the store does not answer[^\n]*\n$|Redis/,
      { REDIS_URL: 'redis://:pw@127.0.0.1:9', SESSION_SECRET: 'x'.repeat(32) }
    ]
  ]
  for (const [args, reason, more] of cases) {
    const said = await refused(args, more)
    t.match(said, reason, args.join(' '))
    t.notMatch(said, 'pw@')
  }
  await running
})
