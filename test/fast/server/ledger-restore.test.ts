import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { copyFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { backUpLedger, restoreLedger } from '../../../src/domain/orders/ledger/backup.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

/** A shop whose gateway can be stopped, and started again with the ledger that is then in its folder. */
const shop = async (t: Test, windowMs = 300) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control } = sandbox
  control.setCredit('demo', 1_000_000)
  const [dataDir, folder] = [temporaryFolder(t), temporaryFolder(t)]
  const env = { DATA_DIR: dataDir, UPSTREAM_URL: sandbox.url, ORDER_LATE_EXECUTION_WINDOW_MS: String(windowMs) }
  const start = () => gateway(t, env, { sandbox })
  let running = await start()
  const order = (bucketName: string, key: string) =>
    running.post('/orders', { planId: 2, bucketName }, { headers: { 'idempotency-key': key.padEnd(16, '-') } })
  const command = (script: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [`src/commands/${script}.ts`, ...args], {
      env: { PATH: process.env['PATH'], ...env }
    })
  return {
    control,
    dataDir,
    folder,
    order,
    command,
    del: (path: string) => running.del(path),
    stop: () => running.running.drain(),
    start: async () => {
      running = await start()
    },
    sent: () => control.counters()['create_order'] ?? 0
  }
}

t.test('an older ledger is restored: nothing is bought twice', async t => {
  const { control, dataDir, folder, order, stop, start, sent } = await shop(t)
  const file = join(folder, 'backup.sqlite')
  const before = await order('before', 'key-before')
  t.equal(before.statusCode, 201, before.text)
  await backUpLedger(dataDir, file)
  t.equal(statSync(file).mode & 0o777, 0o600)
  control.setBehaviours({ bucketPrefix: 'on' })
  const after = await order('after', 'key-after')
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  const lost = await order('lost', 'key-lost')
  t.same(
    [before, after, lost].map(({ statusCode }) => statusCode),
    [201, 201, 201]
  )
  await t.rejects(restoreLedger(file, dataDir), { message: /in use: stop/ })
  await stop()
  await restoreLedger(file, dataDir)
  await start()

  for (const [name, first] of [
    ['before', before],
    ['after', after],
    ['lost', lost]
  ] as const) {
    const again = await order(name, `key-${name}`)
    t.equal(again.statusCode, 201, again.text)
    t.match(again.json(), { s3uid: first.json().s3uid, bucket: first.json().bucket }, name)
    t.equal((await order(name, `key-${name}`)).headers['idempotency-replayed'], 'true')
  }
  t.equal(sent(), 3)
  t.equal((await order('new', 'key-new')).statusCode, 201, 'an order that was never sent is sent')
  t.equal(sent(), 4)
  t.equal(
    readdirSync(dataDir).filter(name => /^orders\.sqlite\.\d/.test(name)).length,
    1,
    'the replaced ledger is kept'
  )
})

t.test(
  'a backup that is copied into place by hand is noticed, and an order that HOSTKEY executes late is found',
  async t => {
    const { control, dataDir, folder, order, stop, start, sent } = await shop(t, 3000)
    const file = join(folder, 'backup.sqlite')
    await order('before', 'key-before')
    await backUpLedger(dataDir, file)
    control.fault({ kind: 'late-execution', action: 'create_order', count: 1, ms: 2000 })
    t.equal((await order('late', 'key-late')).statusCode, 202)
    await stop()
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, `orders.sqlite${suffix}`), { force: true })
    copyFileSync(file, join(dataDir, 'orders.sqlite'))
    await start()
    t.equal((await order('late', 'key-late')).statusCode, 201)
    t.equal(sent(), 2)
  }
)

t.test(
  'an account that may be a lost order leaves the order unknown: nothing is sent until the checks are ended',
  async t => {
    const { dataDir, folder, order, del, command, stop, start, sent } = await shop(t)
    const file = join(folder, 'backup.sqlite')
    await order('before', 'key-before')
    await backUpLedger(dataDir, file)
    const { s3uid } = (await order('emptied', 'key-emptied')).json()
    await del(`/accounts/${s3uid}/buckets/emptied`)
    await stop()
    await restoreLedger(file, dataDir)
    await start()
    t.equal((await order('emptied', 'key-emptied')).statusCode, 202)
    t.equal(sent(), 2)
    await command('ledger-restore', '--end-checks')
    t.equal((await order('other', 'key-other')).statusCode, 201)
  }
)

t.test('what cannot be backed up or restored is refused in one sentence, and changes nothing', async t => {
  const [folder, dataDir] = [temporaryFolder(t), temporaryFolder(t)]
  const [text, file] = [join(folder, 'notes.txt'), join(folder, 'backup.sqlite')]
  writeFileSync(text, 'notes')
  await t.rejects(backUpLedger(dataDir, file), { message: /^There is no order ledger in / })
  await t.rejects(restoreLedger(file, dataDir), { message: /^There is no file / })
  await t.rejects(restoreLedger(text, dataDir), { message: /is no copy of an order ledger\.$/ })
  writeFileSync(join(dataDir, 'orders.sqlite'), '')
  await t.rejects(backUpLedger(dataDir, text), { message: /exists and is no backup of an order ledger\.$/ })
  t.same([readdirSync(dataDir), readdirSync(folder)], [['orders.sqlite'], ['notes.txt']])
})
