import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { FaultKind } from '../../../src/sandbox/index.ts'
import { harness, jsonOf, type SandboxHarness } from './support.ts'

const s3uid = 's3_user_1'

/** Calls create_bucket under a fault. @returns the response, or how it failed, and whether the bucket was created */
const callWith = async (b: SandboxHarness, kind: FaultKind, more: { text?: string; ms?: number } = {}) => {
  b.control.fault({ action: 'create_bucket', kind, count: 1, ...more })
  const form = new URLSearchParams({ action: 'create_bucket', token: b.demo.token, s3uid, bucket_name: 'photos' })
  const signal = AbortSignal.timeout(300)
  const isExecuted = () => b.control.state().buckets.some(bucket => bucket.name === 'photos')
  try {
    const answer = await fetch(`${b.url}s3.php`, { method: 'POST', body: form, redirect: 'manual', signal })
    const { status, headers } = answer
    const body = await answer.text()
    return { outcome: 'replied', status, headers, body, isExecuted: isExecuted() }
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError'
    return {
      outcome: isTimeout ? 'timeout' : 'reset',
      status: 0,
      headers: new Headers(),
      body: '',
      isExecuted: isExecuted()
    }
  }
}

const expected: [kind: FaultKind, shape: { outcome: string; status?: number; body?: RegExp; isExecuted: boolean }][] = [
  ['hang', { outcome: 'timeout', isExecuted: false }],
  ['hang-after', { outcome: 'timeout', isExecuted: true }],
  ['reset-before', { outcome: 'reset', isExecuted: false }],
  ['reset-after', { outcome: 'reset', isExecuted: true }],
  ['reset-mid-body', { outcome: 'reset', isExecuted: true }],
  ['stall-mid-body', { outcome: 'timeout', isExecuted: true }],
  ['empty-500', { outcome: 'replied', status: 500, body: /^$/, isExecuted: false }],
  ['html-502', { outcome: 'replied', status: 502, body: /^<html>/, isExecuted: false }],
  ['html-502-after', { outcome: 'replied', status: 502, body: /^<html>/, isExecuted: true }],
  ['html-503', { outcome: 'replied', status: 503, body: /^<html>/, isExecuted: false }],
  ['html-504', { outcome: 'replied', status: 504, body: /^<html>/, isExecuted: false }],
  ['throttled', { outcome: 'replied', status: 429, body: /^<html>/, isExecuted: false }],
  ['empty-200', { outcome: 'replied', status: 200, body: /^$/, isExecuted: false }],
  ['html-200', { outcome: 'replied', status: 200, body: /^<html>/, isExecuted: false }],
  ['redirect', { outcome: 'replied', status: 302, isExecuted: false }],
  [
    'auth-failure',
    { outcome: 'replied', status: 200, body: /^\{"result":-2,"error":"Invalid hash"\}$/, isExecuted: false }
  ],
  ['refusal', { outcome: 'replied', status: 200, body: /^\{"code":-1,"message":"refused"\}$/, isExecuted: false }],
  ['bare-error', { outcome: 'replied', status: 200, body: /^\{"result":"error"\}$/, isExecuted: false }],
  ['truncated', { outcome: 'replied', status: 200, body: /^\{"result":"OK"[^}]*$/, isExecuted: true }],
  [
    'warning',
    { outcome: 'replied', status: 200, body: /^<br \/>\n<b>Warning<\/b>(.|\n)*\{"result":"OK".*\}$/, isExecuted: true }
  ],
  ['expire-sessions', { outcome: 'replied', status: 200, body: /"result":-2/, isExecuted: false }]
]

for (const [kind, shape] of expected) {
  t.test(
    `${kind}: ${shape.outcome}${shape.status ? ` with ${shape.status}` : ''}, ${shape.isExecuted ? 'with' : 'without'} the write`,
    async t => {
      const b = await harness(t)
      t.match(await callWith(b, kind), shape)
      if (kind === 'expire-sessions') return
      const next = await b.s3('create_bucket', { s3uid, bucket_name: 'photos' })
      t.match(next, shape.isExecuted ? { code: -1 } : { result: 'OK' }, 'the next call is normal')
    }
  )
}

t.test('throttled-retry-after sends Retry-After, throttled does not; redirect leads to another origin', async t => {
  const b = await harness(t)
  t.equal((await callWith(b, 'throttled-retry-after', { ms: 6500 })).headers.get('retry-after'), '7')
  t.equal((await callWith(b, 'throttled')).headers.get('retry-after'), null)
  t.equal((await callWith(b, 'redirect')).headers.get('location'), 'https://elsewhere.example/s3.php')
  t.equal(
    (await callWith(b, 'redirect', { text: 'http://127.0.0.1:1/' })).headers.get('location'),
    'http://127.0.0.1:1/'
  )
})

t.test('oversized prints more than 8 MiB of valid JSON', async t => {
  const b = await harness(t)
  b.control.fault({ kind: 'oversized' })
  const body = await (await b.post('s3.php', { action: 'list_plans', token: b.demo.token })).text()
  t.ok(body.length > 8 * 1024 * 1024)
  t.match(JSON.parse(body), { result: 'OK', padding: String })
})

t.test('latency only delays the reply', async t => {
  const b = await harness(t)
  b.control.fault({ kind: 'latency', ms: 120 })
  const startedAt = performance.now()
  t.match(await b.s3('list_plans'), { result: 'OK' })
  t.ok(performance.now() - startedAt >= 119)
})

t.test('late-execution resets the connection first and runs the script later', async t => {
  const b = await harness(t)
  t.match(await callWith(b, 'late-execution', { ms: 100 }), { outcome: 'reset', isExecuted: false })
  const isExecuted = () => b.control.state().buckets.some(bucket => bucket.name === 'photos')
  for (let waited = 0; waited < 2000 && !isExecuted(); waited += 20) await sleep(20)
  t.ok(isExecuted())
})

t.test('a fault applies to its action, after `after` calls, `count` times', async t => {
  const { s3, control } = await harness(t)
  control.fault({ action: 'list_plans', kind: 'auth-failure', after: 2, count: 1 })
  const results = []
  for (let n = 0; n < 4; n += 1) {
    t.match(await s3('get_users'), { result: 'OK' })
    results.push((await s3('list_plans'))['result'])
  }
  t.strictSame(results, ['OK', 'OK', -2, 'OK'])
  t.strictSame(control.faults(), [])
})

t.test('faults of one action apply one after the other; variants and latency combine', async t => {
  const { s3, control } = await harness(t)
  control.fault({ kind: 'refusal', text: 'first', count: 1 })
  control.fault({ kind: 'refusal', text: 'second', count: 1 })
  control.fault({ kind: 'code-as-string', count: 3 })
  control.fault({ kind: 'latency', ms: 1, count: 1 })
  t.match(await s3('list_plans'), { message: 'first' })
  t.match(await s3('list_plans'), { message: 'second' })
  t.equal((await s3('nope'))['code'], '-1')
  t.strictSame(control.faults(), [])
  t.equal((await s3('nope'))['code'], -1)
})

t.test('faults apply to auth.php and eq_callback.php too, and can be cleared', async t => {
  const { auth, post, demo, control } = await harness(t)
  control.fault({ action: 'login', kind: 'refusal', text: 'no' })
  control.fault({ action: 'check', kind: 'bare-error' })
  t.strictSame(await auth('login', { key: demo.apiKey }), { code: -1, message: 'no' })
  t.strictSame(await jsonOf(await post('eq_callback.php', { action: 'check', key: 'x' })), { result: 'error' })
  control.clearFaults()
  t.match(await auth('login', { key: demo.apiKey }), { result: { token: String } })
})

t.test('an unknown fault or behaviour is refused', async t => {
  const { control } = await harness(t)
  // @ts-expect-error there is no such fault
  t.throws(() => control.fault({ kind: 'earthquake' }), TypeError)
  // @ts-expect-error there is no such behaviour
  t.throws(() => control.setBehaviours({ weather: 'bad' }), TypeError)
  // @ts-expect-error there is no such value
  t.throws(() => control.setBehaviours({ rmq: 'maybe' }), TypeError)
  t.doesNotThrow(() => control.setBehaviours({ hiddenFailure: 409, bom: true }))
})

t.test('the sandbox survives a client that disconnects during a request', async t => {
  const { url, s3 } = await harness(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('POST /s3.php HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\naction=')
  socket.destroy()
  await once(socket, 'close')
  t.match(await s3('list_plans'), { result: 'OK' })
})
