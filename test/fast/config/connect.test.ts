import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
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

  t.test('lists what is not, with what to do', async t => {
    const wrong = { ...base, UPSTREAM_URL: 'http://127.0.0.1:9', REDIS_URL: redis.url }
    const { code, err } = await connect(wrong)
    t.equal(code, 1)
    t.match(err, /^orders: Redis at .* has no append-only file .*set appendonly yes/m)
    t.match(err, /^HOSTKEY: 127\.0\.0\.1:9 gives no usable answer/m)
    t.notMatch(err, /^\s+at /m)
    const locked = await connect({ ...base, SESSION_STORE: 'sqlite', DATA_DIR: join('/proc', 'none') })
    t.equal(locked.code, 1)
    t.match(locked.err, /set DATA_DIR to a folder/)
  })
})
