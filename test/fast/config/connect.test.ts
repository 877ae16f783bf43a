import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { authority } from '../../support/harness/certificates.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

/** `npm run config -- --connect` with these settings alone. */
const connect = (env: Record<string, string>) =>
  new Promise<{ code: number; out: string; err: string }>(resolve => {
    const args = ['scripts/config.ts', '--connect']
    execFile(process.execPath, args, { env: { PATH: process.env['PATH'], ...env } }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err })
    )
  })

t.test('npm run config -- --connect', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const redis = await redisServer(t, { settings: ['--appendonly', 'no'] })
  const base = { UPSTREAM_URL: sandbox.url, SESSION_SECRET: 'x'.repeat(40), DATA_DIR: temporaryFolder(t) }

  t.test('says that everything is reachable', async t => {
    const { code, out, err } = await connect(base)
    t.strictSame({ code, err }, { code: 0, err: '' })
    t.match(out, /The store, the order ledger and HOSTKEY are reachable/)
    t.match(out, /^# Every deployment\n[^#\n]*# default\nUPSTREAM_URL=\S+ {2}# the environment$/m)
  })

  t.test('trusts the authorities that NODE_EXTRA_CA_CERTS adds', async t => {
    const own = await authority(t)
    const file = join(temporaryFolder(t), 'authority.pem')
    writeFileSync(file, own.cert)
    const front = createServer(await own.sign(), (incoming, outgoing) => {
      const options = { method: incoming.method, headers: incoming.headers, path: incoming.url }
      const onwards = request(new URL(sandbox.url), options, reply => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers)
        reply.pipe(outgoing)
      })
      incoming.pipe(onwards)
    }).listen(0)
    t.after(() => {
      front.close()
      front.closeAllConnections()
    })
    await once(front, 'listening')
    const tls = { ...base, UPSTREAM_URL: `https://localhost:${(front.address() as AddressInfo).port}/` }
    const [trusted, untrusted] = await Promise.all([connect({ ...tls, NODE_EXTRA_CA_CERTS: file }), connect(tls)])
    t.strictSame([trusted.code, untrusted.code], [0, 1], trusted.err)
    t.match(
      untrusted.err,
      /^HOSTKEY: localhost:\d+ gives no usable answer \(upstream-unreachable, [A-Z_]*(VERIFY|CERT)[A-Z_]*\)/m
    )
  })

  t.test('lists what is not, with what to do', async t => {
    const services = join(temporaryFolder(t), 'services.json')
    const entry = {
      id: 'billing',
      secrets: [`sha256:${'0'.repeat(64)}`],
      scopes: ['buckets:read'],
      apiKey: { env: 'NO_SUCH_KEY' }
    }
    writeFileSync(services, JSON.stringify({ services: [entry] }))
    const wrong = { ...base, UPSTREAM_URL: 'http://127.0.0.1:9', REDIS_URL: redis.url, SERVICES_FILE: services }
    const { code, err } = await connect(wrong)
    t.equal(code, 1)
    t.match(err, /^Invalid service registry:\n {2}billing: the environment variable NO_SUCH_KEY is not set/m)
    t.match(err, /^orders: Redis at .* has no append-only file .*set appendonly yes/m)
    t.match(err, /^HOSTKEY: 127\.0\.0\.1:9 gives no usable answer/m)
    t.notMatch(err, /^\s+at /m)
    const locked = await connect({ ...base, SESSION_STORE: 'sqlite', DATA_DIR: join('/proc', 'none') })
    t.equal(locked.code, 1)
    t.match(locked.err, /set DATA_DIR to a folder/)
  })
})
