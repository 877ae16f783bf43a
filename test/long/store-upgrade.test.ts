import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { startSandbox } from '../../src/sandbox/index.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { createBrowser } from '../support/harness/browser-caller.ts'
import { gateway } from '../support/harness/gateway.ts'
import { redisServer } from '../support/harness/redis.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { type OldStore, type Row, recordStore, restoreInto, SECRET, SEED, sendOrder } from './store-upgrade/store.ts'

const DAY_MS = 24 * 3_600_000
const PREFIX = 'hks3:'

/** The strings, in the two files of SQLite: jobs have tables of their own there. */
const intoSqlite = async (dataDir: string, rows: readonly Row[]) => {
  for (const [file, pattern] of [
    ['orders.sqlite', /^order/],
    ['store.sqlite', /^(?!order|job)/]
  ] as const) {
    const store = createSqliteStore(dataDir, { file })
    for (const [key, type, value] of rows) {
      const name = key.slice(PREFIX.length)
      if (type === 'string' && pattern.test(name)) await store.put(name, String(value), DAY_MS)
    }
    await store.close()
  }
}

/** The members of the records of each kind: `session`, `order` and so on. */
const membersOf = (rows: readonly Row[]): Map<string, Set<string>> => {
  const members = new Map<string, Set<string>>()
  for (const [key, type, value] of rows) {
    if (type !== 'string' || !String(value).startsWith('{')) continue
    const kind = key.split(':')[1] ?? ''
    members.set(kind, new Set([...(members.get(kind) ?? []), ...Object.keys(JSON.parse(String(value)))]))
  }
  return members
}

for (const file of globSync('test/regressions/stores/*.json')) {
  const version = basename(file, '.json')
  const old: OldStore = JSON.parse(readFileSync(file, 'utf8'))

  for (const kind of ['Redis', 'SQLite'] as const) {
    t.test(`the store of ${version} in ${kind} serves its sessions, orders and jobs`, async t => {
      const sandbox = await startSandbox({ seed: SEED })
      t.after(() => sandbox.close())
      const env: Record<string, string> = { SESSION_SECRET: SECRET }
      if (kind === 'Redis') {
        const redis = await redisServer(t)
        await restoreInto(redis.url, old.rows)
        env['REDIS_URL'] = redis.url
      } else {
        env['DATA_DIR'] = temporaryFolder(t)
        env['SESSION_STORE'] = 'sqlite'
        await intoSqlite(env['DATA_DIR'], old.rows)
      }
      const running = await gateway(t, env, { sandbox })
      const session = await createBrowser(running, old.cookie).get('/session')
      t.equal(session.statusCode, 200, session.text)
      const again = await sendOrder(running, old.orderKey)
      t.equal(again.headers['idempotency-replayed'], 'true')
      t.match(again.json(), old.order)
      t.equal(sandbox.control.counters()['create_order'], undefined, 'nothing is ordered again')
      const other = await sendOrder(running, 'another-key-for-the-same-bucket')
      t.equal(other.json().name, 'probable-duplicate-order', 'the name of its bucket is still guarded')
      if (kind === 'Redis') t.match((await running.get(`/jobs/${old.job['jobId']}`)).json(), old.job)
    })
  }

  t.test(`a replica of ${version} finds every member that it knows in the records of this one`, async t => {
    const written = membersOf((await recordStore(t)).rows)
    const known = membersOf(old.rows)
    t.ok(known.size >= 3, [...known.keys()].join(' '))
    for (const [kind, members] of known) {
      t.same(
        [...members].filter(member => !written.get(kind)?.has(member)),
        [],
        kind
      )
    }
  })
}
