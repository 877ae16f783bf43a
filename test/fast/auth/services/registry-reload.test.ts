import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { hashOf } from '../../../../src/auth/services/entry.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gatewayProcess, launch } from '../../../support/harness/processes.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'
import { credentialOf, newSecret } from '../../../support/harness/services.ts'

const servicesFile = join(temporaryFolder(t), 'services.json')
const [first, second] = [newSecret(), newSecret()]
const entry = { id: 'reports', secrets: [hashOf(first)], scopes: ['accounts:read'], apiKey: { env: 'REPORTS_KEY' } }
const write = (...services: object[]) => writeFileSync(servicesFile, JSON.stringify({ services }))

t.test('the gateway does not start with an invalid registry', async t => {
  write({ ...entry, secrets: [first] }, { ...entry, apiKey: { env: 'NOT_SET' } })
  const { code, err } = await launch(t, 'src/server.ts', { AUDIT_LOG: '/dev/null', SERVICES_FILE: servicesFile }).ended
  t.equal(code, 1)
  t.match(err, /^Invalid service registry:\n {2}\/services\/0\/secrets\/0 .*\n {2}reports: .*NOT_SET/)
  t.notOk(err.includes(first))
})

t.test('SIGHUP reloads the registry, and keeps the previous one while the file is invalid', async t => {
  const sandbox = await startSandbox({ seed: newSecret() })
  t.after(() => sandbox.close())
  write(entry)
  const { url, child, log } = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    SERVICES_FILE: servicesFile,
    REPORTS_KEY: sandbox.demo.apiKey
  })
  const statusOf = async (secret: string) => {
    const headers = { authorization: `Bearer ${credentialOf('reports', secret)}` }
    const reply = await request(`${url}/accounts`, { headers })
    await reply.body.dump()
    return reply.statusCode
  }
  /** Sends SIGHUP. @returns the log line of the reload */
  const reload = async () => {
    const before = log().length
    const lines = () =>
      log()
        .slice(before)
        .filter(({ msg }) => /^service registry/.test(String(msg)))
    child.kill('SIGHUP')
    t.ok(await eventually(() => lines().length === 1))
    return lines()[0]
  }
  const reloaded = { level: 'info', msg: 'service registry reloaded' }

  t.same([await statusOf(first), await statusOf(second)], [200, 401])

  write({ ...entry, secrets: [hashOf(first), hashOf(second)] })
  t.match(await reload(), reloaded)
  t.same([await statusOf(first), await statusOf(second)], [200, 200], 'both, while the secret is rotated')

  write({ ...entry, secrets: [second] })
  const failure = await reload()
  t.match(failure, {
    level: 'error',
    msg: 'service registry reload failed; keeping the previous one',
    faults: [/^\/services\/0\/secrets\/0 must match pattern/]
  })
  t.notOk(JSON.stringify(failure).includes(second), 'no secret in the log')
  t.same([await statusOf(first), await statusOf(second)], [200, 200])

  write({ ...entry, secrets: [hashOf(second)] })
  t.match(await reload(), reloaded)
  t.same([await statusOf(first), await statusOf(second)], [401, 200])

  write()
  t.match(await reload(), reloaded)
  t.same([await statusOf(first), await statusOf(second)], [401, 401])
  t.equal(child.exitCode, null)
})

t.test('a credential that expires soon is in the log, and each expiry in the metrics', async t => {
  const dayMs = 24 * 3_600_000
  const soon = new Date(Date.now() + 29 * dayMs).toISOString()
  const later = new Date(Date.now() + 31 * dayMs).toISOString()
  write({ ...entry, expiresAt: soon }, { ...entry, id: 'later', expiresAt: later }, { ...entry, id: 'never' })
  const { managementUrl, log } = await gatewayProcess(t, { SERVICES_FILE: servicesFile, REPORTS_KEY: newSecret() })
  const warnings = () => log().filter(({ msg }) => /expires within 30 days/.test(String(msg)))
  t.ok(await eventually(() => warnings().length > 0))
  t.strictSame(
    warnings().map(({ service, expiresAt }) => ({ service, expiresAt })),
    [{ service: 'reports', expiresAt: soon }]
  )
  const text = await (await fetch(`${managementUrl}/metrics`)).text()
  t.strictSame(
    [...text.matchAll(/^gateway_service_credential_expiry_timestamp_seconds\{service="(.*)"\} (.*)$/gm)].map(
      ([, service, at]) => [service, Number(at)]
    ),
    [
      ['reports', Date.parse(soon) / 1000],
      ['later', Date.parse(later) / 1000]
    ]
  )
})
