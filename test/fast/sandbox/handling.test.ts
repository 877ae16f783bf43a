import t from 'tap'
import { phpFields, phpInteger, phpJson } from '../../../src/sandbox/php.ts'
import { actions } from '../../../src/upstream/actions/index.ts'
import { harness, jsonOf } from './support.ts'

t.test('a request that is not a POSTed form has no fields', async t => {
  const { url, demo, post } = await harness(t)
  const fields = { action: 'list_plans', token: demo.token }
  const query = `${url}s3.php?${new URLSearchParams(fields)}`
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }
  const put = { method: 'PUT', body: new URLSearchParams(fields) }
  const bare = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: `${new URLSearchParams(fields)}` }
  const noAction = { code: -1, message: 's3/: invalid request' }
  for (const [what, answer] of Object.entries({
    GET: await fetch(query),
    JSON: await fetch(`${url}s3.php`, json),
    PUT: await fetch(`${url}s3.php`, put),
    text: await fetch(`${url}s3.php`, bare)
  })) {
    t.strictSame(await jsonOf(answer), noAction, what)
  }
  t.match(await jsonOf(await post('s3.php', fields)), { result: 'OK' }, 'the same fields as a form')
})

t.test('multipart/form-data is read like a form', async t => {
  const { url, demo } = await harness(t)
  const body = new FormData()
  body.set('action', 'list_plans')
  body.set('token', demo.token)
  t.match(await jsonOf(await fetch(`${url}s3.php`, { method: 'POST', body })), { result: 'OK' })
})

t.test('field names are parsed as PHP parses them', async t => {
  const { url, demo } = await harness(t)
  const call = async (form: string) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return jsonOf(await fetch(`${url}s3.php`, { method: 'POST', headers, body: `token=${demo.token}&${form}` }))
  }
  t.match(await call('action=nope&action=list_plans'), { result: 'OK' }, 'the last value of a name wins')
  t.match(await call('action=show_key&s3uid=s3_user_1&s3.key=access_key'), { result: 'OK' }, 'a dot becomes _')
  t.match(await call('action=show_key&s3uid=s3_user_1&s3+key=access_key'), { result: 'OK' }, 'a space becomes _')
  t.match(
    await call('action=get_buckets&s3uid[]=s3_user_1'),
    { message: 's3/get_buckets: invalid request' },
    'a list is not a text'
  )
})

t.test('an unknown action is refused before the token is checked', async t => {
  const { s3 } = await harness(t)
  t.strictSame(await s3('nope', { token: 'invalid' }), { code: -1, message: 's3/nope: invalid request' })
})

t.test('an invalid token is refused before the fields are checked, in four forms', async t => {
  const { s3, post, control } = await harness(t)
  t.strictSame(await s3('create_bucket', { token: 'invalid' }), { result: -2, error: 'Invalid hash' })
  control.setBehaviours({ authFailure: 'code-2' })
  t.strictSame(await s3('create_bucket', { token: 'invalid' }), { code: -2, message: 'Invalid token' })
  control.setBehaviours({ authFailure: 'code-1' })
  t.strictSame(await s3('create_bucket', { token: 'invalid' }), { code: -1, message: 'Invalid token' })
  control.setBehaviours({ authFailure: 'http-401' })
  const answer = await post('s3.php', { action: 'create_bucket', token: 'invalid' })
  t.equal(answer.status, 401)
  t.equal(await answer.text(), 'unauthorized')
})

t.test('a missing or ill-typed field is refused before the account is checked', async t => {
  const { s3 } = await harness(t)
  const refused = (action: string) => ({ code: -1, message: `s3/${action}: invalid request` })
  t.strictSame(await s3('create_bucket', { s3uid: 'unknown' }), refused('create_bucket'))
  t.strictSame(await s3('history', { id: 'one' }), refused('history'))
  t.strictSame(await s3('get_files', { s3uid: 'unknown', bucket_name: 'b', max_keys: '1e2' }), refused('get_files'))
  t.strictSame(await s3('get_files', { s3uid: 's3_user_1', bucket_name: 'logs', max_keys: 0 }), refused('get_files'))
})

t.test('every action that takes an s3uid hides the accounts of other customers, but not from an admin', async t => {
  const { s3, control } = await harness(t)
  const others = { s3uid: 's3_user_2', bucket_name: 'other-bucket', filename: 'private.txt', s3_key: 'access_key' }
  const ofAnAccount = Object.values(actions).filter(({ params }) => params.required?.some(name => name === 's3uid'))
  t.ok(ofAnAccount.length > 0)
  const unknown = { code: -1, message: 'S3 account not found for this customer' }
  for (const { name } of ofAnAccount) t.strictSame(await s3(name, others), unknown, name)
  for (const action of ['get_buckets', 'delete_file']) {
    t.match(await s3(action, { ...others, token: control.tokenOf('admin') }), { result: 'OK' }, `${action} by an admin`)
  }
})

t.test('replies are printed as PHP prints them', async t => {
  const { post, demo, url } = await harness(t)
  const answer = await post('s3.php', { action: 'list_plans', token: demo.token, id: 1 })
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('content-type'), 'text/html; charset=UTF-8')
  t.equal(await answer.text(), '{"code":-1,"message":"s3\\/list_plans: invalid request"}')
  t.equal(phpJson({ 'é/': '\u{1f600}\n' }), '{"\\u00e9\\/":"\\ud83d\\ude00\\n"}')
  t.equal(phpJson({ key: '\ud800' }), '', 'malformed text prints as an empty string')
  t.equal(phpJson({ key: '\\ud800' }), '{"key":"\\\\ud800"}', 'a backslash before u is only a backslash')
  const lost = await fetch(`${url}v1/inv-api/s3.php`, { method: 'POST' })
  t.equal(lost.status, 200)
  t.match(await lost.text(), /^<html>/, 'an unknown path returns the web site')
})

t.test('phpFields and phpInteger follow PHP’s rules', async t => {
  t.strictSame(
    [
      ...phpFields([
        ['a[b]', '1'],
        ['a', '2'],
        [' c d', '3'],
        ['e[f', '4'],
        ['', '5']
      ])
    ],
    [
      ['a', '2'],
      ['c_d', '3'],
      ['e_f', '4']
    ]
  )
  t.strictSame(['7', '-7', '+7', '7.0', '', ' 7', '0x7', '-0'].map(phpInteger), [
    7,
    -7,
    7,
    undefined,
    undefined,
    undefined,
    undefined,
    0
  ])
})
