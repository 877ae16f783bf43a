import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/harness/eventually.ts'
import { gatewayProcess, launch, START_MS } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

t.test('SIGHUP opens the renamed audit log again, SIGUSR1 and SIGUSR2 change nothing', async t => {
  const file = join(temporaryFolder(t), 'audit.log')
  const { url, child, log, printed } = await gatewayProcess(t, { AUDIT_LOG: file })
  renameSync(file, `${file}.1`)
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(signal)
  t.ok(await eventually(() => log().some(({ msg }) => msg === 'audit log reopened') && existsSync(file)))
  const authorization = `Bearer ${/demo token +(\S+)/.exec(printed.out)?.[1]}`
  t.equal((await fetch(`${url}/accounts/s3_user_1/keys/access-key`, { headers: { authorization } })).status, 200)
  t.ok(await eventually(() => readFileSync(file, 'utf8').includes('"event":"key.read"')))
  t.notMatch(printed.out + printed.err, /Debugger|draining/)
})

t.test('SIGHUP drains a gateway that has nothing to reload', async t => {
  const { child, ended } = await gatewayProcess(t, { AUDIT_LOG: '-' })
  child.kill('SIGHUP')
  const { code, out } = await ended
  t.equal(code, 0)
  t.match(out, /"signal":"SIGHUP","msg":"draining"/)
})

t.test('SIGTERM to npm drains the gateway, and leaves no process behind', async t => {
  // Detached: a group of its own, in which the test can look for what is left.
  const npm = spawn('npm', ['start'], {
    env: { PATH: process.env['PATH'], PORT: '0', MANAGEMENT_PORT: '0', AUDIT_LOG: '/dev/null' },
    detached: true
  })
  const kill = () => process.kill(-Number(npm.pid), 'SIGKILL')
  t.teardown(() => isAlive() && kill())
  const isAlive = () => {
    try {
      return process.kill(-Number(npm.pid), 0)
    } catch {
      return false
    }
  }
  let out = ''
  npm.stdout.on('data', chunk => (out += String(chunk)))
  t.ok(await eventually(() => out.includes('curl'), START_MS), out)
  npm.kill('SIGTERM')
  await once(npm, 'close')
  t.match(out, /"msg":"stopped"/)
  t.notOk(isAlive())
})

t.test('in production each line of standard output is JSON', async t => {
  const { printed, child, ended } = launch(t, 'src/server.ts', {
    NODE_ENV: 'production',
    UPSTREAM_URL: 'https://hostkey.example/',
    SESSION_SECRET: randomUUID(),
    PUBLIC_URL: 'https://storage.example',
    DRAIN_DELAY_MS: '0'
  })
  t.ok(await eventually(() => printed.out.includes('"msg":"ready"'), START_MS), printed.err)
  child.kill('SIGTERM')
  const { out } = await ended
  for (const line of out.trim().split('\n')) t.match(JSON.parse(line), { level: 'info' })
})
