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
        curl: addressIn(/^ +(curl .*)$/m)
      }
    }
  }
}

t.test('npm start without settings', async t => {
  const { ready, child, ended } = start(t)
  const { url, managementUrl, token, apiKey, curl } = await ready()

  t.test('prints where it is, and what to show', async t => {
    for (const address of [url, managementUrl]) t.match(address, /^http:\/\/127\.0\.0\.1:\d+$/)
    t.match(token, /^[0-9a-f]{32}$/)
    t.match(apiKey, /^[0-9a-f]{16}-[0-9a-f]{16}$/)
  })

  t.test('prints a curl that works when pasted', async t => {
    const { stdout } = await promisify(execFile)('sh', ['-c', curl])
    t.match(JSON.parse(stdout).items, [{ name: 'holiday-pictures' }])
  })

  t.test('is alive and ready, on both listeners, and shows its metrics on one', async t => {
    for (const base of [url, managementUrl]) {
      for (const probe of ['livez', 'readyz']) {
        const reply = await fetch(`${base}/${probe}`)
        t.strictSame([reply.status, await reply.json()], [200, { status: 'ok' }], `${base}/${probe}`)
      }
    }
    t.match(await (await fetch(`${managementUrl}/metrics`)).text(), /^gateway_request_duration_seconds_count/m)
    t.equal((await fetch(`${url}/metrics`)).status, 404)
    t.equal((await fetch(`${url}/docs`)).status, 200)
  })

  t.test('ends with 0 at SIGTERM', async t => {
    child.kill('SIGTERM')
    const { code, signal, out, err } = await ended
    t.strictSame({ code, signal, err }, { code: 0, signal: null, err: '' })
    t.match(out, /"msg":"stopped"/)
  })
})

t.test('SIGTERM', async t => {
  t.test('lets a request in flight end, and takes no new one', async t => {
    const { ready, child, ended } = start(t)
    const { url, upstreamUrl, token } = await ready()
    const control = (name: string, body?: object) =>
      fetch(`${upstreamUrl}control/${name}`, body ? { method: 'POST', body: JSON.stringify(body) } : {})
    await control('faults', { kind: 'latency', action: 'create_bucket', ms: 700 })
    const writing = fetch(`${url}/accounts/s3_user_1/buckets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"name":"photos"}'
    })
    t.ok(await eventually(async () => (await (await control('counters')).text()).includes('create_bucket')))
    child.kill('SIGTERM')
    t.ok(
      await eventually(() =>
        fetch(`${url}/livez`).then(
          () => false,
          () => true
        )
      ),
      'no new connection is taken'
    )
    t.equal((await writing).status, 201)
    t.match(await ended, { code: 0, signal: null })
  })

  t.test('is told by /readyz first, while everything is served for the drain delay', async t => {
    const { ready, child, ended } = start(t, { DRAIN_DELAY_MS: '2000' })
    const { url, managementUrl, token } = await ready()
    child.kill('SIGTERM')
    t.ok(await eventually(async () => (await fetch(`${managementUrl}/readyz`)).status === 503))
    const reply = await fetch(`${url}/readyz`)
    t.equal(reply.status, 503)
    t.equal(reply.headers.get('connection'), 'close', 'the next request goes elsewhere')
    t.strictSame(await reply.json(), { status: 'unready' })
    t.equal((await fetch(`${url}/plans`, { headers: { authorization: `Bearer ${token}` } })).status, 200)
    t.equal((await fetch(`${managementUrl}/livez`)).status, 200)
    t.match(await ended, { code: 0 })
  })
})

t.test('an error that nobody has caught', async t => {
  for (const [event, program] of [
    ['uncaughtException', "throw new Error('canary')"],
    ['unhandledRejection', "Promise.reject(new Error('canary'))"]
  ] as const) {
    t.test(`${event} ends with 1 at once, and is logged without its message`, async t => {
      const late = join(temporaryFolder(t), 'late.mjs')
      // It happens when it is told to: a start takes as long as it takes.
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

t.test('a start that cannot succeed', async t => {
  for (const name of ['PORT', 'MANAGEMENT_PORT']) {
    t.test(`ends with 1 and says why when ${name} is taken`, async t => {
      const { port } = new URL(await serving(t, () => undefined))
      const { code, err } = await start(t, { [name]: port }).ended
      t.equal(code, 1)
      t.match(err, `address already in use 127.0.0.1:${port}`)
      t.match(err, /set PORT or MANAGEMENT_PORT to a free port/)
      t.notMatch(err, /^\s+at /m, 'without a stack')
    })
  }

  t.test('ends with 1 and tells all that is wrong with the settings at once, without their values', async t => {
    const { code, err, out } = await start(t, {
      PORT: '65536',
      RATE_LIMIT_MAX: '0',
      UPSTREAM_URL: 'http://api.example/secret-in-it',
      LOG_LEVEL: 'verbose',
      BASE_PATH: 'no-slash'
    }).ended
    t.equal(code, 1)
    t.equal(out, '')
    for (const name of ['PORT', 'RATE_LIMIT_MAX', 'UPSTREAM_URL', 'LOG_LEVEL', 'BASE_PATH']) {
      t.match(err, new RegExp(`^  ${name} `, 'm'))
    }
    t.notMatch(err, /65536|secret-in-it|verbose|no-slash|^\s+at /m)
  })

  t.test('ends with 1 in production without an upstream: the sandbox is not HOSTKEY', async t => {
    const { code, err } = await start(t, { NODE_ENV: 'production' }).ended
    t.equal(code, 1)
    t.match(err, /^ {2}UPSTREAM_URL must be set in production/m)
  })
})
