import { hash, randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { createSealer } from '../../../src/auth/seal.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createStores } from '../../../src/store/index.ts'
import type { JobRecord } from '../../../src/store/jobs.ts'
import { RECORD_FORMAT } from '../../../src/store/record-format.ts'
import { createSqliteStore } from '../../../src/store/sqlite.ts'
import { fails } from '../../support/assert/expect.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { redisAt, redisServer } from '../../support/harness/redis.ts'
import { replicas, temporaryFolder } from '../../support/harness/replicas.ts'

const SECRET = randomBytes(32).toString('hex')

/** Of a version of the gateway that does not exist yet. */
const NEWER = RECORD_FORMAT + 1

/** Records of format 1, as the first version wrote them: every later version reads them. */
const SESSION = {
  token: '',
  identity: { email: 'a@example.com', role: 'User', customerId: 1 },
  scopes: ['accounts:read']
}
const orderOf = (tenant: string) => ({
  orderId: '0b6f8bd4-5d3c-4f3f-9d43-2d5f5b0c7a10',
  intent: {
    tenant,
    action: 'create_order',
    keyHash: 'k'.repeat(43),
    fingerprint: 'f'.repeat(43),
    requested: { planId: 2, bucketName: 'kept-bucket', location: 'NL' }
  },
  state: 'done',
  createdAt: Date.now(),
  leasedAt: Date.now(),
  created: { s3uid: 's3_user_1', bucket: 'kept-bucket' }
})
const jobOf = (tenant: string) => ({
  jobId: '6a8b0a57-9f5e-4b51-8d7e-0c1d7c1f2b11',
  kind: 'file-deletion',
  tenant,
  target: '["s3_user_1","kept-bucket"]',
  s3uid: 's3_user_1',
  bucket: 'kept-bucket',
  selection: { all: true },
  createdAt: Date.now(),
  state: 'paused'
})

interface Opened {
  env: Record<string, string>
  /** Text of a record: of a job by its id, of anything else by its key. */
  read(key: string): Promise<string>
  write(key: string, text: string): Promise<unknown>
}

const stores: Record<string, (t: Test) => Promise<Opened>> = {
  async SQLite(t) {
    const folder = temporaryFolder(t)
    const within = <T>(key: string, use: (database: DatabaseSync) => T): T => {
      const file = key.startsWith('job:') ? 'jobs' : key.startsWith('order') ? 'orders' : 'store'
      const database = new DatabaseSync(join(folder, `${file}.sqlite`))
      try {
        return use(database)
      } finally {
        database.close()
      }
    }
    const [job, entry] = ['jobs SET record = ? WHERE job_id = ?', 'entries SET value = ? WHERE key = ?']
    return {
      env: { SESSION_STORE: 'sqlite', DATA_DIR: folder },
      read: async key =>
        within(key, database =>
          key.startsWith('job:')
            ? String(database.prepare('SELECT record FROM jobs WHERE job_id = ?').get(key.slice(4))?.['record'])
            : String(database.prepare('SELECT value FROM entries WHERE key = ?').get(key)?.['value'])
        ),
      write: async (key, text) =>
        within(key, database =>
          database.prepare(`UPDATE ${key.startsWith('job:') ? job : entry}`).run(text, key.replace(/^job:/, ''))
        )
    }
  },
  async Redis(t) {
    const { url, command } = await redisServer(t)
    return {
      env: { REDIS_URL: url, DATA_DIR: temporaryFolder(t) },
      read: async key => String(await command('GET', `hks3:${key}`)),
      write: (key, text) => command('SET', `hks3:${key}`, text, 'KEEPTTL')
    }
  }
}

const newer = (text: string): string => JSON.stringify({ ...JSON.parse(text), format: NEWER })

for (const [name, open] of Object.entries(stores)) {
  t.test(`records in ${name}`, async t => {
    const { env, read, write } = await open(t)
    const g = await gateway(t, { ...env, SESSION_SECRET: SECRET })
    const { control } = g.sandbox
    const { customerId } = (await g.get('/session')).json()
    const tenant = String(customerId)
    const [order, job] = [orderOf(tenant), jobOf(tenant)]
    const { store, durable, jobs, jobQueue } = await createStores({
      kind: name === 'Redis' ? 'redis' : 'sqlite',
      dataDir: env['DATA_DIR'] ?? '',
      redis: redisAt(env['REDIS_URL'] ?? 'redis://127.0.0.1')
    })
    t.after(() => Promise.all([store.close(), durable.close(), jobs.close(), jobQueue.close()]))

    const cookie = `${randomBytes(16).toString('base64url')}.${randomBytes(32).toString('base64url')}`
    const sessionKey = `session:${hash('sha256', cookie, 'base64url')}`
    const sealed = (record: object) =>
      `customer:1 ${createSealer([new Secret(SECRET)]).seal(JSON.stringify(record), sessionKey, cookie.split('.')[1] ?? '')}`
    const session = { ...SESSION, token: g.sandbox.demo.token, expiresAt: Date.now() + 600_000 }
    const browser = createBrowser(g, cookie)
    const orderKey = `order:${tenant}:${order.orderId}`
    await store.put(sessionKey, sealed(session), 600_000)
    await durable.put(orderKey, JSON.stringify(order), 600_000)
    await durable.put(`order-request:${tenant}:create_order:kept-bucket`, order.orderId, 600_000)
    await jobs.create(job as JobRecord, '', [])

    t.test('of the first format are read', async t => {
      t.equal((await browser.get('/accounts')).statusCode, 200)
      t.match((await g.get(`/orders/${order.orderId}`)).json(), { state: 'succeeded', s3uid: 's3_user_1' })
      t.match((await g.get(`/jobs/${job.jobId}`)).json(), { state: 'paused', bucket: 'kept-bucket' })
    })

    t.test('of a newer one are refused in words, and stay as they are', async t => {
      const jobKey = `job:${job.jobId}`
      await write(orderKey, newer(await read(orderKey)))
      await write(jobKey, newer(await read(jobKey)))
      const before = [await read(orderKey), await read(jobKey)]
      const refused = async (asked: ReturnType<typeof g.get>) => {
        const reply = await asked
        fails(t, reply, 503, 'store-unavailable')
        t.match(reply.json().detail, /newer version/)
        t.notOk('set-cookie' in reply.headers)
      }
      const ofNewerSeal = sealed(session).replace(/(?<= ).+/, text => {
        const bytes = Buffer.from(text, 'base64url')
        bytes[0] = 22
        return bytes.toString('base64url')
      })
      for (const text of [sealed({ ...session, format: NEWER }), ofNewerSeal]) {
        await write(sessionKey, text)
        await refused(browser.get('/accounts'))
        await refused(browser.logOut())
        t.equal(await read(sessionKey), text)
      }
      await refused(g.get(`/orders/${order.orderId}`))
      const anew = { planId: 2, bucketName: 'kept-bucket', location: 'NL' }
      for (const key of ['another-key-of-this-order', 'another-key-of-this-order']) {
        await refused(g.post('/orders', anew, { headers: { 'idempotency-key': key } }))
      }
      t.notOk(g.asked().includes('create_order'))
      for (const path of [`/jobs/${job.jobId}`, '/jobs', `/jobs/${job.jobId}/results`]) await refused(g.get(path))
      await refused(g.post(`/jobs/${job.jobId}/resume`, undefined))
      await refused(g.del(`/jobs/${job.jobId}`))
      t.same([await read(orderKey), await read(jobKey)], before)
      const said = () => g.lines.filter(line => line.includes('newer version of the gateway wrote')).join()
      t.ok(
        await eventually(() => ['a session', 'a sealed record', 'an order', 'a job'].every(of => said().includes(of)))
      )
    })

    t.test('a job of a newer version waits for its replicas', async t => {
      const jobId = randomUUID()
      await jobs.create(
        { ...job, jobId, target: 'another', state: 'queued', format: NEWER } as unknown as JobRecord,
        '',
        []
      )
      await jobQueue.add(jobId)
      t.ok(await eventually(() => g.lines.some(line => /"part":"jobs".*newer-version/.test(line))))
      t.match(JSON.parse(await read(`job:${jobId}`)), { state: 'queued', format: NEWER })
      t.match(await (await fetch(`${g.managementUrl}/metrics`)).text(), /gateway_jobs\{/)
    })

    t.equal(control.counters()['delete_file'] ?? 0, 0)
  })
}

t.test('a SQLite file of a newer layout is not opened', async t => {
  const folder = temporaryFolder(t)
  await createSqliteStore(folder).close()
  const file = new DatabaseSync(join(folder, 'store.sqlite'))
  file.exec('PRAGMA user_version = 1')
  file.close()
  t.throws(() => createSqliteStore(folder), {
    cause: { cause: 'newer-version', detail: /store.sqlite: finish the update/ }
  })
})

t.test('the login of a service that a newer version keeps is left to it', async t => {
  const folder = temporaryFolder(t)
  const r = await replicas(t, { SESSION_STORE: 'sqlite', DATA_DIR: folder })
  t.equal((await r.at(0).get('/accounts', r.service)).statusCode, 200)
  const file = new DatabaseSync(join(folder, 'store.sqlite'))
  t.after(async () => file.close())
  const read = () => String(file.prepare("SELECT value FROM entries WHERE key LIKE 'login:%'").get()?.['value'])
  const bytes = Buffer.from(read(), 'base64url')
  bytes[0] = 22
  const text = bytes.toString('base64url')
  file.prepare("UPDATE entries SET value = ? WHERE key LIKE 'login:%'").run(text)
  t.equal((await r.at(1).get('/accounts', r.service)).statusCode, 200)
  t.equal((await r.at(1).get('/accounts?limit=5', r.service)).statusCode, 200)
  t.equal(read(), text)
  t.equal(r.logins(), 2)
})
