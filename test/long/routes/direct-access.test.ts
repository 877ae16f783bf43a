import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { request } from 'undici'
import {
  dayOf,
  deriveSigningKey,
  hasDotSegment,
  objectUrl,
  presignUrl
} from '../../../src/domain/storage/presigning.ts'
import { awkwardPaths } from '../../../src/sandbox/fixture-files.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { needPython } from '../../support/harness/debian.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { gatewayProcess, sandboxProcess } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

const MIB = 1024 ** 2

t.test('an upload of 100 MiB to the sandbox takes constant memory', async t => {
  const sandbox = await sandboxProcess(t)
  const gateway = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl`,
    DATA_DIR: temporaryFolder(t)
  })
  const token = /token +(\S+)/.exec(sandbox.printed.out)?.[1]
  const answer = await request(`${gateway.url}/accounts/s3_user_1/buckets/empty-bucket/presigned-urls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ operation: 'upload', path: 'large', contentLength: 100 * MIB })
  })
  const { url } = (await answer.body.json()) as { url: string }
  const before = sandbox.residentBytes()
  let peak = 0
  const piece = Buffer.alloc(MIB, 'x')
  const body = Readable.from(
    (function* () {
      for (let n = 0; n < 100; n += 1) {
        peak = Math.max(peak, sandbox.residentBytes())
        yield piece
      }
    })()
  )
  const stored = await request(url, { method: 'PUT', headers: { 'content-length': String(100 * MIB) }, body })
  t.equal(stored.statusCode, 200, await stored.body.text())
  t.ok(peak - before < 60 * MIB, `${Math.round((peak - before) / MIB)} MiB more`)
})

t.test('no half of the key pair is in the heap of the gateway, in its log or in its folder', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const folder = temporaryFolder(t)
  const snapshots = temporaryFolder(t)
  const gateway = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    STORAGE_ENDPOINTS: 'NL=https://s3-nl.hostkey.com|nl',
    SESSION_STORE: 'sqlite',
    SESSION_SECRET: randomUUID() + randomUUID(),
    DATA_DIR: folder,
    LOG_LEVEL: 'trace',
    NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${snapshots}`
  })
  const ask = async (path: string, init: Parameters<typeof request>[1]) => {
    const headers = { authorization: `Bearer ${sandbox.demo.token}`, 'content-type': 'application/json' }
    const { statusCode, body } = await request(`${gateway.url}${path}`, { ...init, headers })
    await body.text()
    return statusCode
  }
  const presigned = '/accounts/s3_user_1/buckets/logs/presigned-urls'
  const body = JSON.stringify({ operation: 'download', path: 'canary-of-this-test' })
  t.equal(await ask(presigned, { method: 'POST', body }), 201)
  // What the last request leaves in buffers is replaced by others.
  for (let n = 0; n < 20; n += 1) await ask('/accounts', { method: 'GET' })
  gateway.signal('SIGUSR2')
  const snapshot = () => readdirSync(snapshots).find(name => name.endsWith('.heapsnapshot'))
  const text = () => readFileSync(join(snapshots, snapshot() ?? ''), 'utf8')
  await eventually(() => snapshot() !== undefined && text().trimEnd().endsWith('}'), 30_000)
  t.ok(text().includes('STORAGE_ENDPOINTS'), 'the snapshot has the strings of the process')
  const { accessKey = '', secretKey = '' } =
    sandbox.control.state().accounts.find(each => each.s3uid === 's3_user_1') ?? {}
  const files = readdirSync(folder).map(name => readFileSync(join(folder, name), 'latin1'))
  for (const [name, key] of Object.entries({ accessKey, secretKey })) {
    t.ok(key.length >= 20, name)
    t.notOk(text().includes(key), `${name} in the heap`)
    t.notOk([...files, gateway.printed.out, gateway.printed.err].join('\n').includes(key), `${name} in a text`)
  }
})

/** A storage whose requests OpenStack Swift authenticates. @returns its address */
const swiftStorage = async (t: Lifetime, accessKey: string, secretKey: string, region: string): Promise<string> => {
  const python = await needPython({ swift: 'python3-swift' })
  const child = spawn(python, ['test/long/swift/storage.py', accessKey, secretKey, region], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(async () => void child.kill())
  const [port] = await once(child.stdout, 'data')
  return `http://127.0.0.1:${String(port).trim()}`
}

t.test('OpenStack Swift accepts the URLs for every path until they expire, and no other', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const account = sandbox.control.state().accounts.find(({ s3uid }) => s3uid === 's3_user_1')
  const storage = await swiftStorage(t, account?.accessKey ?? '', account?.secretKey ?? '', 'nl')
  const { post } = await gateway(t, { STORAGE_ENDPOINTS: `NL=${storage}|nl` }, { sandbox })
  const signed = async (body: object): Promise<string> =>
    (await post('/accounts/s3_user_1/buckets/bucket/presigned-urls', body)).json().url
  const ask = async (url: string, options: Parameters<typeof request>[1] = {}) => {
    const reply = await request(url, options)
    return `${reply.statusCode} ${(await reply.body.text()).replace(/^<[\s\S]*<Code>(\w+)<[\s\S]*$/, '$1')}`
  }
  const paths = awkwardPaths.filter(path => !hasDotSegment(path))
  t.ok(paths.length >= 30)
  for (const path of paths) {
    const content = { contentType: 'text/plain', contentLength: Buffer.byteLength(path) }
    const upload = await signed({ operation: 'upload', path, ...content })
    const put = (type: string, body: string) => ask(upload, { method: 'PUT', headers: { 'content-type': type }, body })
    t.equal(await put('text/plain', path), '200 ', `${path} is stored`)
    t.equal(await put('text/html', path), '403 SignatureDoesNotMatch', 'as this type')
    t.equal(await put('text/plain', `${path}.`), '403 SignatureDoesNotMatch', 'and of this size')
    const download = await signed({ operation: 'download', path, downloadName: 'a (1).txt' })
    t.equal(await ask(download), `200 ${path}`)
    const last = download.at(-1) === '0' ? '1' : '0'
    for (const forged of [
      `${download.slice(0, -1)}${last}`,
      download.replace('/bucket/', '/bucket/x'),
      download.replace('X-Amz-Expires=300', 'X-Amz-Expires=301'),
      download.replace('a%20%281%29', 'b')
    ]) {
      t.not(forged, download)
      t.equal(await ask(forged), '403 SignatureDoesNotMatch')
    }
  }
  const at = Date.now() - 61_000
  const key = { region: 'nl', day: dayOf(at), accessKey: account?.accessKey ?? '' }
  const expired = await presignUrl(
    { method: 'GET', url: objectUrl(storage, 'bucket', 'a+b.txt'), headers: {}, query: {}, expiresInSeconds: 60, at },
    { ...key, key: deriveSigningKey(account?.secretKey ?? '', key.day, 'nl') }
  )
  t.equal(await ask(expired), '403 AccessDenied', 'Request has expired')
})
