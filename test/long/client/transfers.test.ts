import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, openAsBlob, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { createClient } from '../../../client/src/index.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { failureOf } from '../../fast/client/failure.ts'
import { gateway } from '../../support/harness/gateway.ts'

const MIB = 1024 ** 2
const SIZE = 256 * MIB

/** Growth of a process that downloads. */
const MAX_GROWTH = 160 * MIB

/** Downloads in a process of its own. Prints the bytes that it received, and by how much it grew meanwhile. */
const PROGRAM = `
  import { createClient } from './client/src/index.ts'
  const [baseUrl, token] = process.argv.slice(1)
  const client = createClient({ baseUrl, token })
  await (await client.download('s3_user_1', 'empty-bucket', 'small')).text()
  const before = process.memoryUsage().rss
  let [received, peak] = [0, before]
  const { body } = await client.download('s3_user_1', 'empty-bucket', 'large.bin')
  for await (const part of body) {
    received += part.length
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  console.log(JSON.stringify({ received, growth: peak - before }))
`

t.test('a large file in Node', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'hks3-transfers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { url: baseUrl } = await gateway(t, { STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl` }, { sandbox })
  const connection = { baseUrl, token: sandbox.demo.token }
  const client = createClient(connection)
  const [account, bucket] = ['s3_user_1', 'empty-bucket']
  const source = join(folder, 'large.bin')
  writeFileSync(source, 'begin')
  truncateSync(source, SIZE)
  const file = await openAsBlob(source)
  const stored = () => sandbox.control.state().buckets.find(({ name }) => name === bucket)?.files

  t.test('an upload that is stopped stores nothing', async t => {
    const stop = new AbortController()
    const stopping = createClient({
      ...connection,
      async fetch(request) {
        const reply = await fetch(request)
        // The upload begins now, and takes longer than this.
        setTimeout(() => stop.abort(), 20)
        return reply
      }
    })
    const failure = await failureOf(stopping.upload(account, bucket, 'large.bin', file, { signal: stop.signal }))
    t.match(failure, { name: 'AbortError' })
    t.strictSame(stored(), [])
  })

  t.test('is downloaded in constant memory', async t => {
    await client.upload(account, bucket, 'large.bin', file)
    t.strictSame(stored(), [['large.bin', SIZE]])
    await client.upload(account, bucket, 'small', new Blob(['x']))
    const args = ['--input-type=module', '--eval', PROGRAM, '--', baseUrl, connection.token]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { received, growth } = JSON.parse(stdout)
    t.equal(received, SIZE)
    t.ok(growth < MAX_GROWTH, `grew by ${Math.round(growth / MIB)} MiB`)
  })

  t.test('a download that is stopped goes on with a range', async t => {
    const stop = new AbortController()
    const reply = await client.download(account, bucket, 'large.bin', { signal: stop.signal })
    const reader = reply.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    t.equal(Buffer.from(value ?? []).toString('latin1', 0, 5), 'begin')
    stop.abort()
    t.match(await failureOf(reader?.closed ?? Promise.resolve()), { name: 'AbortError' })
    const { url } = await client.POST('/accounts/{s3uid}/buckets/{bucket}/presigned-urls', {
      params: { path: { s3uid: account, bucket } },
      body: { operation: 'download', path: 'large.bin' }
    })
    const rest = await fetch(url, { headers: { range: `bytes=${SIZE - 10}-` } })
    t.equal(rest.status, 206)
    t.equal((await rest.arrayBuffer()).byteLength, 10)
  })
})
