import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { createCallLog } from '../../../src/sandbox/calls.ts'
import { faultKinds } from '../../../src/sandbox/faults.ts'
import { hashToken, startSandbox } from '../../../src/sandbox/index.ts'
import { exchange } from '../../support/harness/exchange.ts'
import { harness, jsonOf } from './support.ts'

t.test('the log keeps every call in order, with secrets masked', async t => {
  const { s3, auth, demo, control } = await harness(t)
  await s3('get_buckets', { s3uid: 's3_user_1' })
  await auth('login', { key: demo.apiKey })
  await auth('whmcslogin', { user: demo.email, password: demo.password })
  await s3('get_buckets', { s3uid: 's3_user_1' })
  const token = `sha256:${createHash('sha256').update(demo.token).digest('hex').slice(0, 16)}`
  t.equal(hashToken(demo.token), token)
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

t.test('the log keeps the last 10,000 calls, and counts all calls', async t => {
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
  t.ok(Object.keys(log.counters()).length <= 101, 'unknown names share a counter')
})

t.test('secrets lists every secret issued; another seed has different secrets', async t => {
  const { s3, auth, demo, control } = await harness(t)
  const other = await harness(t, { seed: 'canary' })
  const same = await harness(t)
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

t.test('reset restores the initial state', async t => {
  const { s3, control } = await harness(t, { now: () => 1_700_000_000_000, behaviours: { bucketPrefix: 'on' } })
  const start = control.state()
  await s3('create_account', { plan_id: 1, bucket_name: 'photos' })
  await s3('delete_account', { s3uid: 's3_user_1' })
  control.fault({ kind: 'hang' })
  control.setBehaviours({ bucketPrefix: 'off', authFailure: 'http-401' })
  control.advance(1e6)
  control.reset()
  t.strictSame(control.state(), start)
  t.match(control.behaviours(), { bucketPrefix: 'on', authFailure: 'invalid-hash' })
  t.strictSame([control.calls(), control.counters(), control.faults()], [[], {}, []])
  t.match(await s3('list_plans'), { result: 'OK' })
})

t.test('expireSessions ends every session; tokenOf returns a valid token again', async t => {
  const { s3, control, demo } = await harness(t)
  control.expireSessions()
  t.match(await s3('list_plans'), { result: -2 })
  const token = control.tokenOf('demo')
  t.not(token, demo.token)
  t.match(await s3('list_plans', { token }), { result: 'OK' })
  for (const name of ['admin', 'other', 'storage-only', 'two-factor']) {
    t.match(await s3('list_plans', { token: control.tokenOf(name) }), { result: 'OK' }, name)
  }
  t.throws(() => control.tokenOf('unknown'), TypeError)
})

t.test('two sandboxes share nothing', async t => {
  const [a, b] = [await harness(t), await harness(t)]
  await a.s3('delete_account', { s3uid: 's3_user_1' })
  a.control.fault({ kind: 'refusal' })
  a.control.setBehaviours({ getBuckets: 'absent' })
  t.match(await b.s3('get_buckets', { s3uid: 's3_user_1' }), { result: 'OK' })
  t.strictSame(b.control.counters(), { get_buckets: 1 })
})

t.test('the control works over HTTP', async t => {
  const { url, s3, control, demo } = await harness(t)
  const send = async (method: string, path: string, body?: object) =>
    jsonOf(await fetch(`${url}control/${path}`, { method, ...(body && { body: JSON.stringify(body) }) }))
  t.match(await send('POST', 'faults', { kind: 'refusal', action: 'list_plans', text: 'no', count: 2, after: 0 }), {
    ok: true
  })
  t.match(await s3('list_plans'), { message: 'no' })
  t.match(await send('DELETE', 'faults'), { ok: true })
  t.match(await s3('list_plans'), { result: 'OK' })
  t.match(await send('POST', 'behaviours', { authFailure: 'code-2' }), { ok: true })
  t.match(await send('GET', 'behaviours'), { authFailure: 'code-2', rmq: 'sync' })
  t.match(await send('POST', 'clock', { advanceSeconds: 86_400 }), { ok: true })
  t.match(await s3('list_plans'), { code: -2 })
  t.match(await send('GET', 'counters'), { list_plans: 3 })
  t.match(await send('POST', 'reset'), { ok: true })
  t.match(await s3('list_plans'), { result: 'OK' })
  t.match(await send('GET', 'calls'), { 0: { action: 'list_plans' } })
  const state = JSON.stringify(await send('GET', 'state'))
  t.match(state, 's3_user_1')
  t.strictSame(
    control.secrets().filter(secret => state.includes(secret)),
    [],
    'secrets are masked'
  )
  t.match(await send('POST', 'credit', { customer: 'demo', cents: 5 }), { ok: true })
  t.equal(control.customer('demo').creditCents, 5)
  t.match(await send('POST', 'files', { bucket: 'empty-bucket', path: 'a' }), { ok: true })
  t.match(await send('POST', 'sessions/expire'), { ok: true })
  t.match(await s3('list_plans', { token: demo.token }), { result: -2 })
})

t.test('the control refuses unknown requests and browser pages', async t => {
  const { url } = await harness(t)
  t.equal((await fetch(`${url}control/nope`)).status, 404)
  t.match(await (await fetch(`${url}control/`)).json(), {
    controls: ['GET /control/'],
    faults: ['latency'],
    behaviours: { loginShape: 'nested' },
    customers: [
      { name: 'admin' },
      { name: 'demo', password: String, apiKey: String },
      { name: 'storage-only', servers: 0 },
      { name: 'two-factor', twoFactorCode: '246813' },
      { name: 'other' }
    ]
  })
  t.equal((await fetch(`${url}control/faults`, { method: 'POST', body: '{"kind":"earthquake"}' })).status, 400)
  t.equal((await fetch(`${url}control/behaviours`, { method: 'POST', body: '{"weather":1}' })).status, 400)
  t.equal((await fetch(`${url}control/faults`, { method: 'POST', body: '{' })).status, 400)
  t.equal(
    (await fetch(`${url}control/reset`, { method: 'POST', headers: { origin: 'http://evil.example' } })).status,
    403
  )
})

t.test('the page on failures names every kind of fault and every customer', async t => {
  const { control } = await harness(t)
  const page = readFileSync('docs/how-to/try-failures.md', 'utf8')
  const names = [...faultKinds, ...control.state().customers.map(({ name }) => name)]
  t.same(
    names.filter(name => !page.includes(`\`${name}\``)),
    []
  )
})

t.test('close ends open connections at once', async t => {
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

t.test('the control refuses a host that is not this machine: its name may have been made to point here', async t => {
  const { url, close } = await startSandbox()
  t.teardown(close)
  const ask = (host: string) =>
    exchange(url, [`GET /control/counters HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`])
  for (const host of ['localhost:1', '127.0.0.1', '[::1]:8090']) t.strictSame((await ask(host)).statuses, [200], host)
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80', '']) {
    t.strictSame((await ask(host)).statuses, [403], host)
  }
})
