import { randomUUID } from 'node:crypto'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../src/sandbox/index.ts'
import { isLong } from '../support/harness/amount.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { ownNameSpace } from '../support/harness/name-space.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { orderOnce } from './orders/once.ts'

/** Twice the size at which SQLite starts the write-ahead log of the ledger again. */
const DISK = '8m'
/** Numbers of free pages: the disk becomes full before the first record, between two, and after the last. */
const LEFT_PAGES = isLong ? Array.from({ length: 16 }, (_, index) => index * 2) : [0, 30]
const MOUNT = 'mount -t tmpfs -o size="$1",mode=700 none "$0" && shift && exec "$@"'

t.test('a ledger on a disk that is full', async t => {
  const figure = figuresOf(t, 'full-disk')
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control } = sandbox
  control.setCredit('demo', 1_000_000)
  const folder = temporaryFolder(t)
  const gateway = await gatewayProcess(
    t,
    {
      UPSTREAM_URL: sandbox.url,
      DATA_DIR: folder,
      RATE_LIMIT_MAX: '1000000',
      UPSTREAM_TIMEOUT_MS: '5000',
      ORDER_LEASE_MS: '500',
      ORDER_LATE_EXECUTION_WINDOW_MS: '0'
    },
    { wrapper: [...ownNameSpace('m', 'mount -t tmpfs none /mnt'), 'sh', '-c', MOUNT, folder, DISK] }
  )
  // Only the namespace of the gateway has this disk; this is its path from outside.
  const disk = `/proc/${gateway.child.pid}/root${folder}`
  const fill = (leftPages: number): void => {
    rmSync(join(disk, 'ballast'), { force: true })
    const { bfree, bsize } = statfsSync(disk)
    try {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc((bfree - leftPages) * bsize))
    } catch {
      // The gateway has written meanwhile: it examines its ledger.
      fill(leftPages)
    }
  }
  const order = (bucketName: string) => orderOnce(gateway.url, sandbox.demo.token, bucketName)
  const orders = () => control.counters()['create_order'] ?? 0

  let asked = 0
  let sent = 0
  let refused = 0
  let twice = 0
  const isRefused = async (name: string) => {
    const before = orders()
    const { statusCode, text } = await order(name)
    t.equal(statusCode, 503, text)
    sent += orders() - before
    asked += 1
    t.match(JSON.parse(text), { type: /\/problems\/store-unavailable$/, outcome: 'not-applied', retryable: true })
    refused += Number(statusCode === 503)
  }

  t.test('503 store-unavailable, and nothing is sent, when it is full before the first order', async t => {
    fill(0)
    for (const name of ['first-a', 'first-b', 'first-c']) await isRefused(name)
    t.equal(orders(), 0)
  })

  t.test('201 once there is room', async t => {
    rmSync(join(disk, 'ballast'))
    t.ok(await eventually(async () => (await order('first-a')).statusCode === 201))
    t.equal(orders(), 1)
  })

  t.test('503 store-unavailable, and nothing is sent, when it fills up later', async t => {
    fill(0)
    for (let index = 0; index < 20; index += 1) await isRefused(`later-${index}`)
    t.equal(orders(), 1)
    const buckets = await request(`${gateway.url}/accounts/s3_user_1/buckets`, {
      headers: { authorization: `Bearer ${sandbox.demo.token}` }
    })
    await buckets.body.dump()
    t.equal(buckets.statusCode, 200, 'what needs no ledger goes on')
  })

  t.test('no order goes out twice, wherever it fills up', async t => {
    const begun: number[] = []
    for (const pages of LEFT_PAGES) {
      rmSync(join(disk, 'ballast'), { force: true })
      const before = orders()
      const name = `pages-${pages}`
      t.ok(await eventually(async () => (await order(`room-${pages}`)).statusCode === 201), 'there is room')
      t.equal(orders(), before + 1)
      fill(pages)
      const first = await order(name)
      const isSent = orders() === before + 2
      begun.push(Number(isSent))
      if (first.statusCode !== 201) {
        t.match(JSON.parse(first.text), { status: 503, outcome: isSent ? 'unknown' : 'not-applied' }, `${pages} pages`)
      }
      rmSync(join(disk, 'ballast'))
      t.ok(
        await eventually(async () => (await order(name)).statusCode === 201),
        `${pages} pages: in the end it is done`
      )
      t.equal(orders(), before + 2, `${pages} pages: and was sent once`)
      twice += Number(orders() > before + 2)
    }
    t.ok(begun.includes(0) && begun.includes(1), 'some did not begin, some did')
    figure(
      `${refused} of ${asked} orders 503 on a full disk, ${sent} calls upstream; filled up at ${LEFT_PAGES.length} places of an order: ${twice} sent twice`
    )
  })
})
