import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { MAX_IN_FLIGHT } from '../../../src/upstream/resilience/fair-queue.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gatewayProcess, launch, START_MS } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

/** Every write to this device fails as on a full disk. */
const FULL = '/dev/full'

/** A gateway whose standard output is on a full disk. Its banner is lost: the port is set. */
const onFullDisk = async (t: Test) => {
  const port = await stablePort()
  const stdout = openSync(FULL, 'w')
  const env = { PORT: String(port), DATA_DIR: temporaryFolder(t) }
  const program = launch(t, 'src/server.ts', env, { stdout })
  closeSync(stdout)
  return { ...program, url: `http://127.0.0.1:${port}` }
}

const statusOf = async (url: string, options: Parameters<typeof request>[1] = {}) => {
  const { statusCode, body } = await request(url, options)
  await body.dump()
  return statusCode
}

t.test('a log that cannot be written', async t => {
  const { child, url, ended } = await onFullDisk(t)

  t.test('fails no request', async t => {
    const livez = () => statusOf(`${url}/livez`).catch(() => 0)
    t.ok(await eventually(async () => (await livez()) === 200, START_MS))
    for (let n = 0; n < 5; n += 1) t.equal(await livez(), 200)
    t.equal(await statusOf(`${url}/plans`), 401)
  })

  t.test('is reported once on standard error, and the process ends with code 0', async t => {
    child.kill('SIGTERM')
    t.hasStrict(await ended, { code: 0, err: 'Cannot write the log (ENOSPC); the gateway keeps running.\n' })
  })
})

t.test('an audit log that cannot be written fails no request, and is reported once in the log', async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const settings = { UPSTREAM_URL: sandbox.url, AUDIT_LOG: FULL, DATA_DIR: temporaryFolder(t), RATE_LIMIT_MAX: '10000' }
  const { url, log, signal, ended } = await gatewayProcess(t, settings)
  const headers = { 'x-csrf': '1', 'content-type': 'application/json' }
  const login = await request(`${url}/session`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ apiKey: sandbox.demo.apiKey })
  })
  t.equal(login.statusCode, 201)
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  await login.body.dump()
  const key = `${url}/accounts/s3_user_1/keys/access-key`
  // One more than a session may have in flight: each one is released.
  for (let n = 0; n <= MAX_IN_FLIGHT; n += 1) t.equal(await statusOf(key, { headers: { 'x-csrf': '1', cookie } }), 200)
  signal('SIGTERM')
  t.equal((await ended).code, 0)
  const errors = log().filter(({ level }) => level === 'error' || level === 'fatal')
  t.match(errors, [{ msg: 'the audit log cannot be written', reason: 'ENOSPC' }])
  t.equal(errors.length, 1)
})

t.test('lines that wait to be written together are written at once at the end of the process', async t => {
  const file = `${temporaryFolder(t)}/log`
  const lines = "log.info('first'); log.info('second')"
  const program = `import { createLog } from './src/observability/log.ts'; const log = createLog('info'); ${lines}; process.exit(7)`
  const stdout = openSync(file, 'w')
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', stdout, 'inherit']
  })
  closeSync(stdout)
  t.equal(status, 7)
  t.match(readFileSync(file, 'utf8'), /"first"}\n.*"second"}\n$/)
})
