import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { eventually } from '../../support/harness/eventually.ts'
import { launch, START_MS } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { serving } from '../../support/harness/serving.ts'

/** Starts the gateway as an operator does. */
const start = (t: Test, env: Record<string, string> = {}) => {
  const program = launch(t, 'src/server.ts', env)
  const { child, printed } = program
  const addressIn = (pattern: RegExp) => pattern.exec(printed.out)?.[1] ?? ''
  return {
    ...program,
    /** Waits for the banner and reads the addresses in it. */
    async ready() {
      await eventually(() => printed.out.includes('curl') || child.exitCode !== null, START_MS)
      return {
        url: addressIn(/^hostkey-s3-gateway +(\S+)$/m),
        managementUrl: addressIn(/metrics +(\S+)\/metrics$/m),
        upstreamUrl: addressIn(/upstream +(\S+) /m),
        token: addressIn(/demo token +(\S+)$/m),
        apiKey: addressIn(/demo API key +(\S+)$/m),
        logins: [/demo e-mail +(\S+)\n +demo password +(\S+)$/m, /without servers +(\S+) {2}(\S+)$/m].map(pattern => {
          const [, email, password] = pattern.exec(printed.out) ?? []
          return { email, password }
        }),
        curl: addressIn(/^ +(curl .*)$/m)
      }
    }
  }
}

t.test('npm start without settings', async t => {
  const { ready, child, ended } = start(t)
  const { url, managementUrl, token, apiKey, logins, curl } = await ready()

  t.test('prints its addresses and the demo credentials', async t => {
    for (const address of [url, managementUrl]) t.match(address, /^http:\/\/127\.0\.0\.1:\d+$/)
    t.match(token, /^[0-9a-f]{32}$/)
    t.match(apiKey, /^[0-9a-f]{16}-[0-9a-f]{16}$/)
  })

  t.test('prints e-mail and password of two customers, with which they log in', async t => {
    const headers = { 'content-type': 'application/json', 'x-csrf': '1' }
    const replies = logins.map(login =>
      fetch(`${url}/session`, { method: 'POST', headers, body: JSON.stringify(login) })
    )
    const sessions = await Promise.all((await Promise.all(replies)).map(reply => reply.json()))
    t.match(sessions, [{ customerId: 1002 }, { customerId: 1003, email: 'storage-only@example.com' }])
  })

  t.test('prints a curl command that works', async t => {
    const { stdout } = await promisify(execFile)('sh', ['-c', curl])
    t.match(JSON.parse(stdout).items, [{ name: 'holiday-pictures' }])
  })

  t.test('is live and ready on both listeners, and has metrics on the management listener only', async t => {
    for (const base of [url, managementUrl]) {
      for (const probe of ['livez', 'readyz']) {
        const reply = await fetch(`${base}/${probe}`)
        t.strictSame([reply.status, await reply.json()], [200, { status: 'ok' }], `${base}/${probe}`)
      }
    }
    t.match(await (await fetch(`${managementUrl}/metrics`)).text(), /^gateway_request_duration_seconds_count/m)
    t.equal((await fetch(`${url}/metrics`)).status, 404)
    t.ok(await eventually(async () => (await fetch(`${url}/docs`)).status === 200))
  })

  t.test('exits with 0 on SIGTERM', async t => {
    child.kill('SIGTERM')
    const { code, signal, out, err } = await ended
    t.strictSame({ code, signal, err }, { code: 0, signal: null, err: '' })
    t.match(out, /"msg":"stopped"/)
  })
})

t.test('an uncaught error', async t => {
  for (const [event, program] of [
    ['uncaughtException', "throw new Error('canary')"],
    ['unhandledRejection', "Promise.reject(new Error('canary'))"]
  ] as const) {
    t.test(`${event}: the process exits with 1 without draining, and logs the error without its message`, async t => {
      const late = join(temporaryFolder(t), 'late.mjs')
      // Thrown on demand: the duration of a start varies.
      writeFileSync(late, `process.stdin.once('data', () => { ${program} })`)
      const { child, ended, ready } = start(t, { DRAIN_DELAY_MS: '5000', NODE_OPTIONS: `--import=${late}` })
      await ready()
      child.stdin?.write('now')
      const { code, out } = await ended
      t.equal(code, 1)
      t.match(out, new RegExp(`"level":"fatal".*"type":"Error".*"msg":"${event}"`))
      t.notMatch(out, /canary|draining/)
    })
  }
})

t.test('a start that fails', async t => {
  for (const name of ['PORT', 'MANAGEMENT_PORT']) {
    t.test(`exits with 1 and the reason when ${name} is taken`, async t => {
      const { port } = new URL(await serving(t, () => undefined))
      const { code, err } = await start(t, { [name]: port }).ended
      t.equal(code, 1)
      t.match(err, `address already in use 127.0.0.1:${port}`)
      t.match(err, /set PORT or MANAGEMENT_PORT to a free port/)
      t.notMatch(err, /^\s+at /m)
    })
  }

  t.test('exits with 1 and one sentence that says what to do', async t => {
    const file = join(temporaryFolder(t), 'a-file')
    writeFileSync(file, 'no certificate')
    const secret = { SESSION_SECRET: 'x'.repeat(40) }
    const cases: [env: Record<string, string>, sentence: RegExp][] = [
      [{ HOST: '192.0.2.1' }, /EADDRNOTAVAIL.*192\.0\.2\.1.*set HOST/],
      [{ HOST: 'no-such-host.invalid' }, /no-such-host\.invalid.*set HOST/],
      [{ AUDIT_LOG: join(file, 'audit.log') }, /\((ENOTDIR|EEXIST)\).*set AUDIT_LOG/],
      [{ ...secret, SESSION_STORE: 'sqlite', DATA_DIR: file }, /a-file.*: check the folder that DATA_DIR names/],
      [{ SERVICES_FILE: join(file, 'services.json') }, /services\.json .*\(ENOTDIR\)/],
      [{ SESSION_SECRET_FILE: join(file, 'secret') }, /SESSION_SECRET cannot be read: .*\(ENOTDIR\)/],
      [{ ...secret, REDIS_URL: 'redis://:a/b@' }, /REDIS_URL must .*REDIS_PASSWORD/],
      [{ ...secret, REDIS_URL: 'rediss://127.0.0.1', REDIS_CA_FILE: file }, /REDIS_CA must be PEM/]
    ]
    const ends = await Promise.all(cases.map(async ([env]) => start(t, env).ended))
    for (const [index, { code, err }] of ends.entries()) {
      const [env, sentence] = cases[index] ?? [{}, /^$/]
      t.equal(code, 1, JSON.stringify(env))
      t.match(err, sentence)
      t.notMatch(err, /^\s+at |Error:/m)
    }
  })

  t.test('exits with 1 and lists every fault of the settings, without their values', async t => {
    const { code, err, out } = await start(t, {
      NODE_ENV: 'production',
      PORT: '65536',
      RATE_LIMIT_MAX: '0',
      LOG_LEVEL: 'verbose',
      BASE_PATH: 'secret-in-it'
    }).ended
    t.equal(code, 1)
    t.equal(out, '')
    for (const name of ['PORT', 'RATE_LIMIT_MAX', 'LOG_LEVEL', 'BASE_PATH'])
      t.match(err, new RegExp(`^  ${name} `, 'm'))
    t.match(err, /^ {2}UPSTREAM_URL must be set in production/m)
    t.notMatch(err, /65536|secret-in-it|verbose|^\s+at /m)
  })
})
