import { randomUUID } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { COOKIE } from '../../src/auth/cookie.ts'
import { startSandbox } from '../../src/sandbox/index.ts'
import { eventually } from '../support/harness/eventually.ts'
import { type GatewayProcess, gatewayProcess } from '../support/harness/processes.ts'
import { redisServer } from '../support/harness/redis.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { buildOf } from './store-upgrade/build.ts'
import { type OldStore, SECRET } from './store-upgrade/store.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'
const PATIENCE_MS = 20_000

/** The last release: versions have one digit in each place until 1.0.0. */
const file = globSync('test/regressions/stores/*.json').sort().at(-1) ?? ''
const { commit }: OldStore = JSON.parse(readFileSync(file, 'utf8'))

/** What two gateways share, and how the test changes an order in it. */
const STORES = {
  async Redis(t: Test) {
    const { url, command } = await redisServer(t)
    return {
      env: { REDIS_URL: url },
      read: async (key: string) => String(await command('GET', `hks3:${key}`)),
      write: (key: string, text: string) => command('SET', `hks3:${key}`, text, 'KEEPTTL')
    }
  },
  async SQLite(t: Test) {
    const folder = temporaryFolder(t)
    const run = (sql: string, ...values: string[]) => {
      const database = new DatabaseSync(join(folder, 'orders.sqlite'))
      try {
        return database.prepare(sql).get(...values)
      } finally {
        database.close()
      }
    }
    return {
      env: { SESSION_STORE: 'sqlite', DATA_DIR: folder },
      read: async (key: string) => String(run('SELECT value FROM entries WHERE key = ?', key)?.['value']),
      write: async (key: string, text: string) => run('UPDATE entries SET value = ? WHERE key = ?', text, key)
    }
  }
}

const senderOf =
  (token: string) =>
  async (
    { url }: GatewayProcess,
    method: string,
    path: string,
    { body, ...headers }: Record<string, string | object | undefined> = {}
  ) => {
    const reply = await fetch(url + path, {
      method,
      headers: {
        ...(!headers['cookie'] && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(headers as Record<string, string>)
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    const text = await reply.text()
    return { status: reply.status, headers: reply.headers, text, json: () => JSON.parse(text) }
  }

const older = await buildOf(t, commit)
if (!older)
  process.stdout.write(`# SKIPPED: the commit ${commit} is not in this clone; git fetch --unshallow brings it\n`)

for (const [kind, open] of older ? Object.entries(STORES) : []) {
  t.test(`replicas of the last release and of this version share ${kind}`, async t => {
    const { env, read, write } = await open(t)
    const sandbox = await startSandbox({ seed: randomUUID() })
    t.after(() => sandbox.close())
    sandbox.control.setCredit('demo', 1_000_000)
    const settings = {
      UPSTREAM_URL: sandbox.url,
      SESSION_SECRET: SECRET,
      DATA_DIR: temporaryFolder(t),
      RATE_LIMIT_MAX: '1000000',
      ...env
    }
    const [last, current] = await Promise.all([
      gatewayProcess(t, settings, { folder: older ?? '' }),
      gatewayProcess(t, settings)
    ])
    const send = senderOf(sandbox.demo.token)
    const order = (at: GatewayProcess, key: string, bucketName: string) =>
      send(at, 'POST', '/orders', { 'idempotency-key': key, body: { planId: 2, bucketName } })
    const ordered = () => sandbox.control.counters()['create_order'] ?? 0
    const emptied = async (t: Test, at: GatewayProcess, bucket: string, files: number) => {
      sandbox.control.clearCalls()
      t.equal((await send(at, 'POST', BUCKETS, { body: { name: bucket } })).status, 201)
      for (let n = 0; n < files; n += 1) sandbox.control.putFile(bucket, `file-${n}`)
      const job = { body: { all: true, confirm: bucket }, prefer: 'respond-async' }
      return `/jobs/${(await send(at, 'POST', `${BUCKETS}/${bucket}/file-deletions`, job)).json().jobId}`
    }
    const hasDeleted = async (t: Test, at: GatewayProcess, job: string, files: number) => {
      const isOver = async () => (await send(at, 'GET', job)).json().state === 'succeeded'
      t.ok(await eventually(isOver, PATIENCE_MS), (await send(at, 'GET', job)).text)
      const deletions = sandbox.control.calls().filter(({ action }) => action === 'delete_file')
      t.equal(new Set(deletions.map(({ fields }) => fields['filename'])).size, files)
      t.equal((await send(at, 'GET', `${job}/results`)).json().items.length, files)
    }

    for (const [name, at, other] of [
      ['of the last release', last, current],
      ['of this version', current, last]
    ] as const) {
      const own = at === last ? 'last' : 'current'

      t.test(`a session and a token ${name} are valid at the other, and end there`, async t => {
        const login = await send(at, 'POST', '/session', {
          cookie: 'none=',
          'x-csrf': '1',
          body: { apiKey: sandbox.demo.apiKey }
        })
        t.equal(login.status, 201, login.text)
        const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
        t.ok(cookie.startsWith(`${COOKIE}=`))
        t.equal((await send(other, 'GET', '/session', { cookie, 'x-csrf': '1' })).status, 200)
        const { token, tokenId } = (
          await send(at, 'POST', '/tokens', {
            body: { name: 'shared', scopes: ['buckets:read'], expiresInSeconds: 600 }
          })
        ).json()
        const authorization = `Bearer ${token}`
        t.equal((await send(other, 'GET', BUCKETS, { authorization })).status, 200)
        t.equal((await send(other, 'DELETE', `/tokens/${tokenId}`)).status, 204)
        t.equal((await send(at, 'GET', BUCKETS, { authorization })).status, 401)
        t.equal((await send(other, 'DELETE', '/session', { cookie, 'x-csrf': '1' })).status, 204)
        t.equal((await send(at, 'GET', '/session', { cookie, 'x-csrf': '1' })).status, 401)
      })

      t.test(`an order ${name} is not sent again by the other`, async t => {
        const before = ordered()
        const [key, bucket] = [`the-key-of-an-order-of-${own}`, `bucket-of-${own}`]
        t.equal((await order(at, key, bucket)).status, 201)
        t.equal((await order(other, key, bucket)).headers.get('idempotency-replayed'), 'true')
        t.equal((await order(other, `another-key-at-${own}`, bucket)).json().name, 'probable-duplicate-order')
        const both = await Promise.all([at, other].map(each => order(each, `key-of-both-at-${own}`, `at-once-${own}`)))
        t.ok(
          both.some(({ status }) => status === 201),
          both.map(({ text }) => text).join()
        )
        t.equal(ordered() - before, 2)
      })

      t.test(`a job ${name} is read at the other`, async t => {
        await hasDeleted(t, other, await emptied(t, at, `emptied-by-${own}`, 5), 5)
      })
    }

    t.test('the last release refuses an order of a newer format in words, and leaves it', async t => {
      const { orderId } = (await order(current, 'the-key-of-newer', 'bucket-of-newer')).json()
      const { customerId } = (await send(current, 'GET', '/session')).json()
      const key = `order:${customerId}:${orderId}`
      const text = await read(key)
      const newer = JSON.stringify({ ...JSON.parse(text), format: 1000 })
      await write(key, newer)
      const refused = await send(last, 'GET', `/orders/${orderId}`)
      t.equal(refused.status, 503)
      t.match(refused.json(), { name: 'store-unavailable', detail: /newer version/ })
      t.equal(await read(key), newer)
      await write(key, text)
      t.equal((await send(last, 'GET', `/orders/${orderId}`)).status, 200)
    })

    t.test('the last release is stopped: its job goes on here', async t => {
      const job = await emptied(t, last, 'moved', 60)
      last.signal('SIGTERM')
      await hasDeleted(t, current, job, 60)
      t.equal((await last.ended).code, 0)
    })
  })
}
