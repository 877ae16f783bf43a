import { request } from 'node:http'
import t from 'tap'
import { harness, type Json, jsonOf, objectOf } from './support.ts'

const resultOf = (answer: Json) => objectOf(answer['result'])

t.test('login returns a token that s3.php accepts, in three shapes', async t => {
  const { auth, s3, demo, control, url } = await harness(t, { now: () => 1_700_000_000_000 })
  const payload = resultOf(await auth('login', { key: demo.apiKey }))
  t.match(payload, {
    role: 'Customer billing',
    servers: [12345],
    whmcs_id: '91002',
    customer_id: 1002,
    email: demo.email
  })
  t.match(payload, { token: /^[0-9a-f]{32}$/, token_expire: 1_700_000_000 + 7200, invapi: new URL(url).host })
  t.match(await s3('list_plans', { token: String(payload['token']) }), { result: 'OK' })
  control.setBehaviours({ loginShape: 'flat' })
  const flat = await auth('login', { key: demo.apiKey })
  t.match(flat, { token: /^[0-9a-f]{32}$/, servers: [12345] })
  t.notOk('result' in flat)
  control.setBehaviours({ loginShape: 'flatWithResult0' })
  t.match(await auth('login', { key: demo.apiKey }), { result: 0, token: /^[0-9a-f]{32}$/ })
})

t.test('login refuses a key with the known texts', async t => {
  const { auth, demo, control } = await harness(t)
  const key = demo.apiKey
  t.strictSame(await auth('login', { key: 'x' }), { result: -1, error: 'Incorrect API key format' })
  t.strictSame(await auth('login', { key: `${'0'.repeat(16)}-${'0'.repeat(16)}` }), {
    code: -1,
    message: 'Invalid key'
  })
  t.strictSame(await auth('login', { key: control.customer('storage-only').apiKeys[0]?.key ?? '' }), {
    result: -1,
    error: 'No appropriate servers found',
    code: 'NO_APPROPRIATE_SERVERS'
  })
  control.customer('demo').apiKeys[0]?.ipAcl.push('10.0.0.2', '10.4.6.3/24')
  t.strictSame(await auth('login', { key }), { result: -1, error: 'IP not allowed' })
  control.customer('demo').apiKeys[0]?.ipAcl.push('127.0.0.0/8')
  t.match(await auth('login', { key }), { result: { token: String } })
  for (const apiKey of control.customer('demo').apiKeys) apiKey.active = false
  t.strictSame(await auth('login', { key }), { code: -1, message: 'Invalid key' })
})

t.test('auth.php refuses a missing action or credential as a malformed request', async t => {
  const { auth } = await harness(t)
  const malformed = { result: -2, error: 'auth: malformed request #1' }
  for (const action of ['', 'nope', 'login', 'whmcslogin', 'info', 'logout', '2fa_check']) {
    t.strictSame(await auth(action), malformed, action)
  }
})

t.test('whmcslogin accepts e-mail address and password, also of a customer without servers', async t => {
  const { auth, s3, control } = await harness(t, { now: () => 1_700_000_000_000 })
  const { email, password } = control.customer('storage-only')
  t.strictSame(await auth('whmcslogin', { user: email, password: 'no' }), {
    result: -1,
    error: 'Invalid login or password'
  })
  t.strictSame(await auth('whmcslogin', { user: 'no', password }), { result: -1, error: 'Invalid login or password' })
  const payload = resultOf(await auth('whmcslogin', { user: email.toUpperCase(), password }))
  t.equal(payload['token_expire'], 1_700_000_000 + 10_800)
  t.match(await s3('get_users', { token: String(payload['token']) }), { s3_users: [{ s3uid: 's3_user_3' }] })
})

t.test('a session with a pending second factor is valid only for 2fa_check', async t => {
  const { auth, s3, control } = await harness(t)
  const { email, password, twoFactorCode } = control.customer('two-factor')
  const payload = resultOf(await auth('whmcslogin', { user: email, password }))
  const token = String(payload['token'])
  t.equal(payload['2fa'], 1)
  t.match(await s3('get_users', { token }), { result: -2 })
  t.match(await auth('info', { token }), { result: -2 })
  t.strictSame(await auth('2fa_check', { token, user_token: '000000' }), { code: -1, message: 'Invalid code' })
  const user_token = twoFactorCode ?? ''
  t.strictSame(await auth('2fa_check', { token, user_token }), { result: 'OK', action: '2fa_check' })
  t.match(await s3('get_users', { token }), { s3_users: [{ s3uid: 's3_user_4' }] })
})

t.test('pendingInfo=answered: info describes a session with a pending second factor', async t => {
  const { auth, control } = await harness(t, { behaviours: { pendingInfo: 'answered' } })
  const { email, password, twoFactorCode } = control.customer('two-factor')
  const token = String(resultOf(await auth('whmcslogin', { user: email, password }))['token'])
  t.match(await auth('info', { token }), { result: { token, customer_id: 1004, '2fa': 1 } })
  await auth('2fa_check', { token, user_token: twoFactorCode ?? '' })
  t.notOk('2fa' in resultOf(await auth('info', { token })))
})

t.test('info describes the session; logout ends it', async t => {
  const { auth, s3, demo, url } = await harness(t)
  const answer = await auth('info', { token: demo.token })
  t.match(answer, {
    result: { token: demo.token, role: 'Customer', role_name: 'customer_billing', customer_id: 1002, show_products: 1 }
  })
  const byGet = await jsonOf(await fetch(`${url}auth.php?action=info&token=${demo.token}`))
  t.strictSame(byGet['result'], answer['result'], 'also by GET')
  t.strictSame(await auth('logout', { token: demo.token }), { result: 'OK', action: 'logout' })
  t.match(await auth('info', { token: demo.token }), { result: -2 })
  t.match(await auth('logout', { token: demo.token }), { result: -2 })
  t.match(await s3('list_plans'), { result: -2 })
})

t.test('a session ends at its expiry time', async t => {
  let nowMs = 1_700_000_000_000
  const { auth, s3, demo, control } = await harness(t, { now: () => nowMs })
  const token = String(resultOf(await auth('login', { key: demo.apiKey, ttl: 60 }))['token'])
  nowMs += 59_000
  t.match(await s3('list_plans', { token }), { result: 'OK' })
  nowMs += 1_000
  t.match(await s3('list_plans', { token }), { result: -2 })
  t.match(await s3('list_plans'), { result: 'OK' }, 'the demo token stays valid')
  control.advance(86_400)
  t.match(await s3('list_plans'), { result: -2 })
})

t.test('ttl is limited to 1 second to 1 day', async t => {
  const { auth, demo } = await harness(t, { now: () => 1_700_000_000_000 })
  const lifetime = async (ttl: string) =>
    Number(resultOf(await auth('login', { key: demo.apiKey, ttl }))['token_expire']) - 1_700_000_000
  t.strictSame(
    [await lifetime('0'), await lifetime('999999'), await lifetime('soon'), await lifetime('3600')],
    [1, 86_400, 7_200, 3_600]
  )
})

t.test('fix_ip binds the token to the address that logged in', async t => {
  const { auth, demo, url } = await harness(t)
  const from = (localAddress: string, token: unknown) =>
    new Promise<string>((resolve, reject) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const sent = request(`${url}s3.php`, { method: 'POST', headers, localAddress }, async answer => {
        resolve((await answer.toArray()).join(''))
      })
      sent.on('error', reject)
      sent.end(`action=list_plans&token=${token}`)
    })
  const bound = resultOf(await auth('login', { key: demo.apiKey, fix_ip: 1 }))['token']
  const free = resultOf(await auth('login', { key: demo.apiKey, fix_ip: 0 }))['token']
  t.match(await from('127.0.0.1', bound), '"result":"OK"')
  t.match(await from('127.0.0.2', bound), '"result":-2')
  t.match(await from('127.0.0.2', free), '"result":"OK"')
})
