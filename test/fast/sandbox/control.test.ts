import { createHash } from 'node:crypto'
import t from 'tap'
import { createCallLog } from '../../../src/sandbox/calls.ts'
import { hashedToken, startSandbox } from '../../../src/sandbox/index.ts'
import { bench, jsonOf } from './support.ts'

t.test('the log holds every call in order, without its secrets', async t => {
  const { s3, auth, demo, control } = await bench(t)
  await s3('get_buckets', { s3uid: 's3_user_1' })
  await auth('login', { key: demo.apiKey })
  await auth('whmcslogin', { user: demo.email, password: demo.password })
  await s3('get_buckets', { s3uid: 's3_user_1' })
  const token = `sha256:${createHash('sha256').update(demo.token).digest('hex').slice(0, 16)}`
  t.equal(hashedToken(demo.token), token)
  t.match(control.calls(), [
    {
      script: 's3.php',
      method: 'POST',
      action: 'get_buckets',
      fields: { token, s3uid: 's3_user_1' },
      headers: { host: String }
    },
    { script: 'auth.php', action: 'login', fields: { key: '[masked]' } },
    { script: 'auth.php', action: 'whmcslogin', fields: { user: demo.email, password: '[masked]' } },
    { action: 'get_buckets' }
  ])
  t.strictSame(control.counters(), { get_buckets: 2, login: 1, whmcslogin: 1 })
  const log = JSON.stringify(control.calls())
  t.strictSame(
    control.secrets().filter(secret => log.includes(secret)),
    []
  )
})

t.test('the log keeps the last 10,000 calls, and counts all', async t => {
  const log = createCallLog()
  for (let at = 0; at < 25_000; at += 1) {
    log.record({ at, script: 's3.php', method: 'POST', fields: new Map([['action', 'nope']]), headers: {} })
  }
  t.equal(log.calls().length, 10_000)
  t.equal(log.calls().at(-1)?.at, 24_999)
  t.strictSame(log.counters(), { nope: 25_000 })
  for (let n = 0; n < 500; n += 1) {
    log.record({ at: 0, script: 's3.php', method: 'POST', fields: new Map([['action', `a${n}`]]), headers: {} })
  }
  t.ok(Object.keys(log.counters()).length <= 101, 'names that nobody knows are counted together')
})

t.test('secrets lists all that ever existed, and another seed has others', async t => {
  const { s3, auth, demo, control } = await bench(t)
  const other = await bench(t, { seed: 'canary' })
  const same = await bench(t)
  t.strictSame(same.demo, demo)
  t.strictSame(
    same.control.secrets().filter(secret => other.control.secrets().includes(secret)),
    []
  )
  const login = JSON.stringify(await auth('login', { key: demo.apiKey }))
  await s3('create_account', { plan_id: 1, bucket_name: 'photos' })
  const key = String((await s3('show_key', { s3uid: 's3_user_100', s3_key: 'secret_key' }))['key'])
  await s3('delete_account', { s3uid: 's3_user_100' })
  control.expireSessions()
  control.reset()
  const secrets = control.secrets()
  for (const secret of [demo.token, demo.apiKey, demo.password, key]) t.ok(secrets.includes(secret))
  t.ok(secrets.some(secret => login.includes(secret)))
  t.equal(new Set(secrets).size, secrets.length)
})

t.test('reset brings everything back to the start', async t => {
  const { s3, control } = await bench(t, { now: () => 1_700_000_000_000, switches: { bucketPrefix: 'on' } })
  const start = control.state()
  await s3('create_account', { plan_id: 1, bucket_name: 'photos' })
  await s3('delete_account', { s3uid: 's3_user_1' })
  control.fault({ kind: 'hang' })
  control.set({ bucketPrefix: 'off', authFailure: 'http-401' })
  control.advance(1e6)
  control.reset()
  t.strictSame(control.state(), start)
  t.match(control.switches(), { bucketPrefix: 'on', authFailure: 'invalid-hash' })
  t.strictSame([control.calls(), control.counters(), control.faults()], [[], {}, []])
  t.match(await s3('list_plans'), { result: 'OK' })
})

t.test('expireSessions ends every session; tokenOf gives a live one again', async t => {
  const { s3, control, demo } = await bench(t)
  control.expireSessions()
  t.match(await s3('list_plans'), { result: -2 })
  const token = control.tokenOf('demo')
  t.not(token, demo.token)
  t.match(await s3('list_plans', { token }), { result: 'OK' })
  for (const name of ['admin', 'other', 'storage-only', 'two-factor']) {
    t.match(await s3('list_plans', { token: control.tokenOf(name) }), { result: 'OK' }, name)
  }
  t.throws(() => control.tokenOf('nobody'), TypeError)
})

t.test('two sandboxes share nothing', async t => {
  const [a, b] = [await bench(t), await bench(t)]
  await a.s3('delete_account', { s3uid: 's3_user_1' })
  a.control.fault({ kind: 'refusal' })
  a.control.set({ getBuckets: 'absent' })
  t.match(await b.s3('get_buckets', { s3uid: 's3_user_1' }), { result: 'OK' })
  t.strictSame(b.control.counters(), { get_buckets: 1 })
})

t.test('the same controls answer over HTTP', async t => {
  const { url, s3, control, demo } = await bench(t)
  const ask = async (method: string, path: string, body?: object) =>
    jsonOf(await fetch(`${url}control/${path}`, { method, ...(body && { body: JSON.stringify(body) }) }))
  t.match(await ask('POST', 'faults', { kind: 'refusal', action: 'list_plans', text: 'no', count: 2, after: 0 }), {
    ok: true
  })
  t.match(await s3('list_plans'), { message: 'no' })
  t.match(await ask('DELETE', 'faults'), { ok: true })
  t.match(await s3('list_plans'), { result: 'OK' })
  t.match(await ask('POST', 'quirks', { authFailure: 'code-2' }), { ok: true })
  t.match(await ask('GET', 'quirks'), { authFailure: 'code-2', rmq: 'sync' })
  t.match(await ask('POST', 'clock', { advanceSeconds: 86_400 }), { ok: true })
  t.match(await s3('list_plans'), { code: -2 })
  t.match(await ask('GET', 'counters'), { list_plans: 3 })
  t.match(await ask('POST', 'reset'), { ok: true })
  t.match(await s3('list_plans'), { result: 'OK' })
  t.match(await ask('GET', 'calls'), { 0: { action: 'list_plans' } })
  const state = JSON.stringify(await ask('GET', 'state'))
  t.match(state, 's3_user_1')
  t.strictSame(
    control.secrets().filter(secret => state.includes(secret)),
    [],
    'and give no secrets away'
  )
  t.match(await ask('POST', 'credit', { customer: 'demo', cents: 5 }), { ok: true })
  t.equal(control.customer('demo').creditCents, 5)
  t.match(await ask('POST', 'files', { bucket: 'empty-bucket', path: 'a' }), { ok: true })
  t.match(await ask('POST', 'sessions/expire'), { ok: true })
  t.match(await s3('list_plans', { token: demo.token }), { result: -2 })
})

t.test('the control refuses what it does not know, and pages of a browser', async t => {
  const { url } = await bench(t)
  t.equal((await fetch(`${url}control/nope`)).status, 404)
  t.equal((await fetch(`${url}control/faults`, { method: 'POST', body: '{"kind":"earthquake"}' })).status, 400)
  t.equal((await fetch(`${url}control/quirks`, { method: 'POST', body: '{"weather":1}' })).status, 400)
  t.equal((await fetch(`${url}control/faults`, { method: 'POST', body: '{' })).status, 400)
  t.equal(
    (await fetch(`${url}control/reset`, { method: 'POST', headers: { origin: 'http://evil.example' } })).status,
    403
  )
})

t.test('close ends hanging connections at once', async t => {
  const { url, demo, control, close } = await startSandbox()
  control.fault({ kind: 'hang' })
  const hanging = fetch(`${url}s3.php`, {
    method: 'POST',
    body: new URLSearchParams({ action: 'list_plans', token: demo.token })
  })
  while (control.calls().length === 0) await new Promise(resolve => setImmediate(resolve))
  await close()
  await t.rejects(hanging)
  await t.rejects(fetch(url))
})
