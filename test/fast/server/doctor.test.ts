import { execFile } from 'node:child_process'
import { createServer, request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { tls } from '../../../src/commands/diagnosis/encryption.ts'
import { exitCodeOf } from '../../../src/commands/diagnosis/finding.ts'
import { connectionFaults } from '../../../src/commands/diagnosis/inside.ts'
import { examineFromOutside } from '../../../src/commands/diagnosis/outside.ts'
import { examineSettings } from '../../../src/commands/diagnosis/settings.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { authority } from '../../support/harness/certificates.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { openJob } from '../../support/harness/jobs.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { listening } from '../../support/harness/serving.ts'

/** Milliseconds. */
const BODY_PAUSE_MS = 200

/**
 * A proxy that does what it should not: resolves paths, drops headers, turns `_` in their names into `-`, passes X-Forwarded-For
 * on, refuses large requests, sends a reply once it has all of it, and has a clock that is wrong.
 */
const badProxy = async (t: Test, target: string) => {
  const server = createServer((incoming, outgoing) => {
    const { pathname, search } = new URL(`http://proxy${decodeURIComponent(incoming.url ?? '')}`)
    const path = pathname.replaceAll('//', '/') + search
    if (path.length > 4096 || Number(incoming.headers['content-length'] ?? 0) > 8192) {
      incoming.resume()
      outgoing.writeHead(413).end('too large')
      return
    }
    const { 'x-csrf': _csrf, 'x-request-id': _id, 'idempotency-key': _key, ...kept } = incoming.headers
    const headers = Object.fromEntries(Object.entries(kept).map(([name, value]) => [name.replaceAll('_', '-'), value]))
    const onwards = request(new URL(target), { method: incoming.method, path, headers }, reply => {
      const date = new Date(Date.now() - 3_600_000).toUTCString()
      outgoing.writeHead(reply.statusCode ?? 502, { ...reply.headers, date })
      const chunks: Buffer[] = []
      reply.on('data', chunk => chunks.push(chunk)).on('end', () => outgoing.end(Buffer.concat(chunks)))
    })
    onwards.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onwards.destroy())
    incoming.pipe(onwards)
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  return new Promise<URL>(resolve =>
    server.once('listening', () => resolve(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)))
  )
}

t.test('npm run doctor', async t => {
  const running = await gateway(t, { TRUST_PROXY: '127.0.0.1' })
  const { url, sandbox } = running
  const outside = async (url: URL) => {
    const findings = await examineFromOutside({ url, token: sandbox.demo.token, bodyPauseMs: BODY_PAUSE_MS })
    return { findings, bad: findings.filter(({ severity }) => severity === 'fault' || severity === 'warning') }
  }

  t.test('a bad proxy is named fault by fault', async t => {
    const { jobId } = await openJob(running)
    t.after(() => running.del(`/jobs/${jobId}`))
    const { bad, findings } = await outside(await badProxy(t, url))
    t.same(bad.map(({ subject, severity }) => `${severity} ${subject}`).sort(), [
      'fault Idempotency-Key',
      'fault PUBLIC_URL',
      'fault X-CSRF',
      'fault address',
      'fault header names',
      'fault paths',
      'fault streams',
      'warning URLs',
      'warning X-Request-Id',
      'warning bodies',
      'warning clock'
    ])
    t.match(
      bad.find(({ subject }) => subject === 'paths')?.detail,
      /resolves dot segments.*merges slashes, decodes %2F/
    )
    t.equal(exitCodeOf(findings), 2)
  })

  t.test('a gateway of its own needs only what the test environment lacks', async t => {
    const { bad, findings } = await outside(new URL(`${url}/`))
    // The harness chose the port after the settings were read; this machine is a trusted proxy, and no proxy is there.
    t.same(bad.map(({ subject }) => subject).sort(), ['PUBLIC_URL', 'address'])
    t.ok(findings.length > 10)
    t.notMatch(JSON.stringify(findings), sandbox.demo.token)
  })

  t.test('streams are judged by the events of an open job', async t => {
    const streams = async () =>
      (await outside(new URL(`${url}/`))).findings.find(({ subject }) => subject === 'streams')
    t.equal((await streams())?.severity, 'unknown', 'no job is open')
    const { jobId } = await openJob(running)
    t.equal((await streams())?.severity, 'ok')
    t.equal((await running.del(`/jobs/${jobId}`)).statusCode, 202)
  })

  t.test('settings that do not fit a proxy', async t => {
    const examined = (env: Record<string, string>, url = 'https://storage.example.com/') =>
      examineSettings(loadConfig({ NODE_ENV: 'test', ...env }), new URL(url))
        .filter(({ severity }) => severity !== 'ok')
        .map(({ subject }) => subject)
    t.same(examined({ KEEP_ALIVE_TIMEOUT_MS: '30000' }), ['keep-alive', 'TRUST_PROXY'])
    t.same(examined({ TRUST_PROXY: '10.0.0.1' }), [])
    t.same(examined({}, 'http://127.0.0.1:8080/'), [])
  })

  t.test('what does not answer, or is no gateway', async t => {
    t.match(await examineFromOutside({ url: new URL('http://127.0.0.1:9/') }), [
      { severity: 'fault', detail: /ECONNREFUSED/ }
    ])
    t.match(await examineFromOutside({ url: new URL(`${url}/elsewhere/`) }), [
      { severity: 'fault', detail: /not the gateway/ }
    ])
  })

  t.test('a certificate whose renewal is late', async t => {
    const day = 24 * 3_600_000
    const severity = async (daysBefore: number, daysLeft: number) => {
      const certificate = { startsAt: Date.now() - daysBefore * day, endsAt: Date.now() + daysLeft * day }
      const [found] = await tls(
        { url: new URL('https://storage.example.com/') },
        { status: 200, headers: {}, text: '', problem: undefined, certificate }
      )
      return found?.severity
    }
    t.equal(await severity(70, 20), 'ok')
    t.equal(await severity(77, 13), 'warning')
    t.equal(await severity(4, 2), 'ok', 'a certificate for six days')
    t.equal(await severity(5, 1), 'warning')
  })

  t.test('a certificate that callers refuse is explained', async t => {
    const [ca, unknown] = [await authority(t), await authority(t)]
    const pairs = [
      await ca.sign({ until: '20200102000000Z' }),
      await ca.sign({ host: 'other.example' }),
      await ca.selfSigned(),
      await unknown.sign()
    ]
    const urls: string[] = []
    for (const pair of pairs) {
      const server = createTlsServer(pair, (_, reply) => reply.end())
      t.after(() => server.close())
      urls.push(`https://localhost:${await listening(server)}/`)
    }
    // A process reads its authorities when it starts.
    const program = `import { examineFromOutside } from './src/commands/diagnosis/outside.ts'
      for (const url of process.argv.slice(1)) console.log(JSON.stringify(await examineFromOutside({ url: new URL(url) })))`
    const env = { NODE_EXTRA_CA_CERTS: ca.file }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, ...urls], {
      env
    })
    const wanted = ['has expired', 'is for another name', 'is signed by itself', 'callers do not know its authority']
    for (const [index, line] of stdout.trimEnd().split('\n').entries()) {
      t.match(
        line,
        new RegExp(`^\\[\\{"severity":"fault","subject":"TLS","detail":"https.* cannot be trusted: .*${wanted[index]}`)
      )
    }
  })

  t.test('a Redis that may lose or evict orders', async t => {
    const redis = await redisServer(t, { settings: ['--appendonly', 'no'] })
    const faults = () =>
      connectionFaults(
        loadConfig({ UPSTREAM_URL: sandbox.url, REDIS_URL: redis.url, SESSION_SECRET: 'x'.repeat(40) }),
        {}
      )
    t.match(await faults(), [/^orders: .*append-only file/])
    await redis.command('CONFIG', 'SET', 'appendonly', 'yes')
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    t.match(await faults(), [/^orders: .*noeviction/])
  })

  t.test('a Redis whose clock is wrong', async t => {
    const redis = await redisServer(t)
    const { now } = Date
    t.after(() => (Date.now = now))
    Date.now = () => now() - 60_000
    const config = { UPSTREAM_URL: sandbox.url, REDIS_URL: redis.url, SESSION_SECRET: 'x'.repeat(40) }
    t.match(await connectionFaults(loadConfig(config), {}), [
      /^clock: the store's differs .* by (59|60|61) s: run a time service/
    ])
  })

  t.test('the command prints a line for each finding, and exits by the worst', async t => {
    const env = { PATH: process.env['PATH'], DOCTOR_TOKEN: sandbox.demo.token, DATA_DIR: '/proc/none' }
    const { code, out } = await new Promise<{ code: unknown; out: string }>(resolve => {
      execFile(process.execPath, ['src/commands/doctor.ts', '--url', url, '--inside'], { env }, (error, out) =>
        resolve({ code: error?.code, out })
      )
    })
    t.equal(code, 2)
    t.match(out, /^ok {7}reachable: /m)
    t.match(out, /^fault {4}inside: orders: .*DATA_DIR/m)
  })
})
