import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { hashOf } from '../../../../src/auth/services/entry.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'
import { credentialOf, newSecret } from '../../../support/harness/services.ts'

t.test('SIGHUP', async t => {
  const sandbox = await startSandbox({ seed: newSecret() })
  t.after(() => sandbox.close())
  const servicesFile = join(temporaryFolder(t), 'services.json')
  const [first, second] = [newSecret(), newSecret()]
  const entry = { id: 'reports', secrets: [hashOf(first)], scopes: ['accounts:read'], apiKey: { env: 'REPORTS_KEY' } }
  const write = (...services: object[]) => writeFileSync(servicesFile, JSON.stringify({ services }))
  const start = () =>
    spawn(process.execPath, ['src/server.ts'], {
      env: {
        PORT: '0',
        MANAGEMENT_PORT: '0',
        AUDIT_LOG: '/dev/null',
        UPSTREAM_URL: sandbox.url,
        SERVICES_FILE: servicesFile,
        REPORTS_KEY: sandbox.demo.apiKey
      },
      stdio: ['ignore', 'pipe', 'pipe']
    })

  t.test('the gateway does not start with an invalid registry', async t => {
    write({ ...entry, secrets: [first] }, { ...entry, apiKey: { env: 'NOT_SET' } })
    const child = start()
    let errors = ''
    child.stderr.on('data', text => (errors += text))
    const [code] = await once(child, 'close')
    t.equal(code, 1)
    t.match(errors, /^Invalid service registry:\n {2}\/services\/0\/secrets\/0 .*\n {2}reports: .*NOT_SET/)
    t.notOk(errors.includes(first))
  })

  t.test('reloads the registry, and keeps the previous one while the file is invalid', async t => {
    write(entry)
    const child = start()
    let output = ''
    child.stdout.on('data', text => (output += text))
    t.after(async () => {
      child.kill('SIGTERM')
      await once(child, 'close')
    })
    t.ok(await eventually(() => /http:\/\/127\.0\.0\.1:\d+\/docs/.test(output)), output)
    const url = /http:\/\/127\.0\.0\.1:\d+(?=\/docs)/.exec(output)?.[0] ?? ''
    const statusOf = async (secret: string) => {
      const headers = { authorization: `Bearer ${credentialOf('reports', secret)}` }
      const reply = await request(`${url}/accounts`, { headers })
      await reply.body.dump()
      return reply.statusCode
    }
    const reload = async (message: RegExp) => {
      output = ''
      child.kill('SIGHUP')
      t.ok(await eventually(() => message.test(output)), output)
    }

    t.same([await statusOf(first), await statusOf(second)], [200, 401])

    write({ ...entry, secrets: [hashOf(first), hashOf(second)] })
    await reload(/service registry reloaded/)
    t.same([await statusOf(first), await statusOf(second)], [200, 200], 'both, while the secret is rotated')

    write({ ...entry, secrets: [second] })
    await reload(/"faults":\["\/services\/0\/secrets\/0 must match pattern.*keeping the previous one/)
    t.notOk(output.includes(second), 'no secret in the log')
    t.same([await statusOf(first), await statusOf(second)], [200, 200])

    write({ ...entry, secrets: [hashOf(second)] })
    await reload(/service registry reloaded/)
    t.same([await statusOf(first), await statusOf(second)], [401, 200])

    write()
    await reload(/service registry reloaded/)
    t.same([await statusOf(first), await statusOf(second)], [401, 401])
    t.equal(child.exitCode, null)
  })
})
