import { globSync } from 'node:fs'
import t from 'tap'
import { Value } from 'typebox/value'
import { problems } from '../../../schemas/problems.ts'
import type { Call } from '../../../src/sandbox/calls.ts'
import { hashToken, startSandbox } from '../../../src/sandbox/index.ts'
import type { Action } from '../../../src/upstream/actions/action.ts'
import { actions } from '../../../src/upstream/actions/index.ts'
import * as sessions from '../../../src/upstream/actions/sessions.ts'
import { problemsOf, refusalsOf, UNANSWERED } from '../../../src/upstream/protocol/failures.ts'
import { clientOf, fakeUpstream } from '../../support/fakes/upstream.ts'
import { actionNames, sendSample } from '../../support/harness/action-requests.ts'
import { contextOf } from '../../support/harness/contexts.ts'
import { gateway } from '../../support/harness/gateway.ts'

const all: [string, Action][] = Object.entries(actions)
const logins: [string, Action][] = Object.entries(sessions)

for (const [name, action] of all) {
  t.test(`${name} is declared consistently`, async t => {
    t.equal(action.name, name, 'is indexed by its own name')
    t.equal(action.script, 's3.php')
    t.ok(Value.Check(action.result, action.example), 'its example is a result')
    t.notOk(
      Value.Check(action.result, { result: 'OK' }) && action.result.required?.length,
      'an empty answer is no result'
    )
    for (const key of Object.keys(action.params.properties)) {
      t.match(key, /^[a-z0-9_]+$/, `${key} is spelled as PHP reads it`)
      t.notMatch(key, /^(action|token)$/, `${key} does not clash`)
    }
  })
}

for (const [name, action] of [...all, ...logins]) {
  t.test(`${name}: the example of each failure matches that failure first`, async t => {
    const refusals = refusalsOf(action)
    for (const [problem, pattern] of Object.entries(action.failures)) {
      t.ok(pattern.wording.test(pattern.example), `${problem}: the example matches the pattern`)
      const first = refusals.find(row => row.pattern.wording.test(pattern.example))
      t.equal(first?.problem, problem, `"${pattern.example}" is ${problem}`)
    }
    for (const { problem, pattern } of refusals) {
      t.ok(pattern.wording.test(pattern.example), `${problem}: the example matches the pattern`)
      t.ok(pattern.wording.test(pattern.example), 'and again: a wording keeps no state')
      t.ok(problems[problem].status >= 400)
      const isUnanswered = action.script === 'auth.php' && UNANSWERED.some(name => name === problem)
      const reported = isUnanswered ? 'upstream-unavailable' : problem
      t.ok(problemsOf(action).includes(reported), `${problem} is documented, as ${reported}`)
    }
  })
}

t.test('index.ts imports every file of actions', async t => {
  const files = globSync('src/upstream/actions/*.ts').filter(file => !/(action|index|sessions)\.ts$/.test(file))
  t.ok(files.length > 0)
  for (const file of files) {
    for (const each of Object.values<Partial<Action>>(await import(`../../../${file}`))) {
      if (each.name !== undefined) t.ok(each.name in actions, `${each.name} of ${file}`)
    }
  }
})

t.test('what is sent', async t => {
  const { send, get, del, sandbox } = await gateway(t)
  const { control } = sandbox
  const hostile = {
    authorization: `Bearer ${sandbox.demo.token}`,
    cookie: 'a=b; token=c',
    'user-agent': 'Mozilla/5.0',
    referer: 'https://evil.example/',
    'x-forwarded-for': '198.51.100.7',
    'accept-language': 'nl',
    'x-custom': '1'
  }
  const seen: Call[] = []
  for (const action of actionNames) {
    control.reset()
    await sendSample({ send }, action, { headers: hostile })
    seen.push(...control.calls())
  }
  control.reset()
  await get('/accounts?planId=2&limit=3&sort=-id', { headers: hostile })
  await get('/accounts/s3_user_1/buckets?expand=usage', { headers: hostile })
  await get('/accounts/s3_user_1/buckets/logs/files?search=a%26token%3Dx&limit=1', { headers: hostile })
  await del('/accounts/s3_user_1/buckets/logs/files?path=a%26action%3Ddelete_account', { headers: hostile })
  seen.push(...control.calls())
  const calls = seen.filter(({ action }) => action !== 'info')

  t.equal(seen.length - calls.length, 1, 'the customer is asked for once')
  t.strictSame([...new Set(calls.map(({ action }) => action))].sort(), [...actionNames].sort(), 'all of them')
  for (const { action: name, method, script, fields, headers } of calls) {
    const action = new Map(all).get(name)
    t.equal(`${method} ${script}`, 'POST s3.php', name)
    const allowed = new Set(['action', 'token', ...Object.keys(action?.params.properties ?? {})])
    t.strictSame(
      Object.keys(fields).filter(key => !allowed.has(key)),
      [],
      `${name} sends declared fields only`
    )
    for (const key of action?.params.required ?? []) t.ok(key in fields, `${name} sends ${key}`)
    t.equal(fields['token'], hashToken(sandbox.demo.token))
    t.match(headers['user-agent'], /^hostkey-s3-gateway\//)
    t.equal(headers['content-type'], 'application/x-www-form-urlencoded')
    t.equal(headers['accept'], 'application/json')
    const forwarded = Object.keys(headers).filter(
      header => !['host', 'connection', 'content-type', 'content-length', 'accept', 'user-agent'].includes(header)
    )
    t.strictSame(forwarded, [], `${name} forwards no header`)
  }
  t.equal(calls.findLast(({ action }) => action === 'delete_file')?.fields['filename'], 'a&action=delete_account')
  const searches = calls.filter(({ action }) => action === 'get_files').map(({ fields }) => fields['search'])
  t.ok(searches.includes('a&token=x'), `searches: ${searches.join(', ')}`)
})

t.test('undeclared members of the params are not sent', async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const upstream = clientOf(t, sandbox.url)
  const context = contextOf({ token: sandbox.demo.token })
  const params = { id: 1, action: 'delete_account', token: 'x', s3uid: 's3_user_1' }
  await upstream.call(actions.history, params, context)
  t.strictSame(sandbox.control.calls()[0]?.fields, {
    action: 'history',
    token: hashToken(sandbox.demo.token),
    id: '1'
  })
  t.equal(context.upstream.calls, 1)
  t.ok(context.upstream.ms > 0)
})

t.test('a refusal that quotes the token is reported without it, whatever a token looks like', async t => {
  const { upstream } = await fakeUpstream(t, { get_users: () => 'The session of opaque_Token-1 is closed' })
  const refused = await upstream
    .call(actions.get_users, {}, contextOf({ token: 'opaque_Token-1' }))
    .catch(error => error)
  t.equal(refused.options.upstreamText, 'The session of [redacted] is closed')
})
