import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { request } from 'undici'
import {
  dayOf,
  deriveSigningKey,
  objectUrl,
  presignUrl,
  type UrlToSign
} from '../../../src/domain/storage/presigning.ts'
import { awkwardPaths } from '../../../src/sandbox/fixture-files.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { needPackage } from '../../support/harness/npm-package.ts'
import { gatewayProcess, sandboxProcess } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

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

// It reads the parameters of the signature and does not compare it: that is the part of the AWS SDK.
t.test('s3rver accepts the URLs for every path until they expire', async t => {
  const program = await needPackage('s3rver', 'test/long/s3rver/package', 's3rver/lib/s3rver.js')
  const S3rver = createRequire(import.meta.url)(join(process.cwd(), program))
  const port = await stablePort()
  const server = new S3rver({
    port,
    address: '127.0.0.1',
    silent: true,
    directory: temporaryFolder(t),
    configureBuckets: [{ name: 'bucket' }]
  })
  await server.run()
  t.after(() => server.close())
  const at = Date.now()
  const [day, region] = [dayOf(at), 'us-east-1']
  const sign = (method: UrlToSign['method'], path: string, headers = {}, signedAt = at) =>
    presignUrl(
      {
        method,
        url: objectUrl(`http://127.0.0.1:${port}`, 'bucket', path),
        headers,
        query: { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' },
        expiresInSeconds: 60,
        at: signedAt
      },
      // The fixed key pair of s3rver.
      { accessKey: 'S3RVER', region, day, key: deriveSigningKey('S3RVER', day, region) }
    )
  // s3rver stores files under their paths: not every name is one of the file system.
  const paths = awkwardPaths.filter(path => path.length < 200 && !/\.\.?(\/|$)|\/\/|^\/|\/$|^trail|\\/.test(path))
  t.ok(paths.length >= 20)
  for (const path of paths) {
    const type = { 'content-type': 'text/plain' }
    const put = await request(await sign('PUT', path, type), { method: 'PUT', headers: type, body: path })
    t.equal(put.statusCode, 200, `${path}: ${await put.body.text()}`)
    const got = await request(await sign('GET', path))
    t.equal(await got.body.text(), path)
  }
  const expired = await request(await sign('GET', 'a+b.txt', {}, at - 61_000))
  t.equal(expired.statusCode, 403, await expired.body.text())
})
