import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { FaultKind } from '../../../src/sandbox/index.ts'
import { type Bench, bench, jsonOf } from './support.ts'

const s3uid = 's3_user_1'

/** What becomes of a create_bucket under a fault: the answer, or the way in which there is none; and was it applied? */
const strike = async (b: Bench, kind: FaultKind, more: { text?: string; ms?: number } = {}) => {
  b.control.fault({ action: 'create_bucket', kind, count: 1, ...more })
  const form = new URLSearchParams({ action: 'create_bucket', token: b.demo.token, s3uid, bucket_name: 'photos' })
  const signal = AbortSignal.timeout(300)
  const isApplied = () => b.control.state().buckets.some(bucket => bucket.name === 'photos')
  try {
    const answer = await fetch(`${b.url}s3.php`, { method: 'POST', body: form, redirect: 'manual', signal })
    const { status, headers } = answer
    const body = await answer.text()
    return { outcome: 'answered', status, headers, body, isApplied: isApplied() }
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError'
    return {
      outcome: isTimeout ? 'silent' : 'broken',
      status: 0,
      headers: new Headers(),
      body: '',
      isApplied: isApplied()
    }
  }
}

const expected: [kind: FaultKind, shape: { outcome: string; status?: number; body?: RegExp; isApplied: boolean }][] = [
  ['hang', { outcome: 'silent', isApplied: false }],
  ['hang-after', { outcome: 'silent', isApplied: true }],
  ['reset-before', { outcome: 'broken', isApplied: false }],
  ['reset-after', { outcome: 'broken', isApplied: true }],
  ['reset-mid-body', { outcome: 'broken', isApplied: true }],
  ['stall-mid-body', { outcome: 'silent', isApplied: true }],
  ['empty-500', { outcome: 'answered', status: 500, body: /^$/, isApplied: false }],
  ['html-502', { outcome: 'answered', status: 502, body: /^<html>/, isApplied: false }],
  ['html-502-after', { outcome: 'answered', status: 502, body: /^<html>/, isApplied: true }],
  ['html-503', { outcome: 'answered', status: 503, body: /^<html>/, isApplied: false }],
  ['html-504', { outcome: 'answered', status: 504, body: /^<html>/, isApplied: false }],
  ['throttled', { outcome: 'answered', status: 429, body: /^<html>/, isApplied: false }],
  ['empty-200', { outcome: 'answered', status: 200, body: /^$/, isApplied: false }],
  ['html-200', { outcome: 'answered', status: 200, body: /^<html>/, isApplied: false }],
  ['redirect', { outcome: 'answered', status: 302, isApplied: false }],
  [
    'auth-failure',
    { outcome: 'answered', status: 200, body: /^\{"result":-2,"error":"Invalid hash"\}$/, isApplied: false }
  ],
  ['refusal', { outcome: 'answered', status: 200, body: /^\{"code":-1,"message":"refused"\}$/, isApplied: false }],
  ['bare-error', { outcome: 'answered', status: 200, body: /^\{"result":"error"\}$/, isApplied: false }],
  ['truncated', { outcome: 'answered', status: 200, body: /^\{"result":"OK"[^}]*$/, isApplied: true }],
  [
    'warning',
    { outcome: 'answered', status: 200, body: /^<br \/>\n<b>Warning<\/b>(.|\n)*\{"result":"OK".*\}$/, isApplied: true }
  ],
  ['expire-sessions', { outcome: 'answered', status: 200, body: /"result":-2/, isApplied: false }]
]

for (const [kind, shape] of expected) {
  t.test(
    `${kind}: ${shape.outcome}${shape.status ? ` with ${shape.status}` : ''}, ${shape.isApplied ? 'after' : 'without'} the write`,
    async t => {
      const b = await bench(t)
      t.match(await strike(b, kind), shape)
      if (kind === 'expire-sessions') return
      const again = await b.s3('create_bucket', { s3uid, bucket_name: 'photos' })
      t.match(again, shape.isApplied ? { code: -1 } : { result: 'OK' }, 'and it strikes once')
    }
  )
}

t.test('throttled-retry-after says how long, throttled does not; redirect names another origin', async t => {
  const b = await bench(t)
  t.equal((await strike(b, 'throttled-retry-after', { ms: 6500 })).headers.get('retry-after'), '7')
  t.equal((await strike(b, 'throttled')).headers.get('retry-after'), null)
  t.equal((await strike(b, 'redirect')).headers.get('location'), 'https://elsewhere.example/s3.php')
  t.equal((await strike(b, 'redirect', { text: 'http://127.0.0.1:1/' })).headers.get('location'), 'http://127.0.0.1:1/')
})

t.test('oversized prints more than 8 MiB of valid JSON', async t => {
  const b = await bench(t)
  b.control.fault({ kind: 'oversized' })
  const body = await (await b.post('s3.php', { action: 'list_plans', token: b.demo.token })).text()
  t.ok(body.length > 8 * 1024 * 1024)
  t.match(JSON.parse(body), { result: 'OK', padding: String })
})

t.test('latency delays the answer and nothing else', async t => {
  const b = await bench(t)
  b.control.fault({ kind: 'latency', ms: 120 })
  const begun = performance.now()
  t.match(await b.s3('list_plans'), { result: 'OK' })
  t.ok(performance.now() - begun >= 119)
})

t.test('late-apply breaks the connection first and does the work later', async t => {
  const b = await bench(t)
  t.match(await strike(b, 'late-apply', { ms: 100 }), { outcome: 'broken', isApplied: false })
  const isApplied = () => b.control.state().buckets.some(bucket => bucket.name === 'photos')
  for (let waited = 0; waited < 2000 && !isApplied(); waited += 20) await sleep(20)
  t.ok(isApplied())
})

t.test('a fault strikes its own action, the n-th call, so many times', async t => {
  const { s3, control } = await bench(t)
  control.fault({ action: 'list_plans', kind: 'auth-failure', after: 2, count: 1 })
  const results = []
  for (let n = 0; n < 4; n += 1) {
    t.match(await s3('get_users'), { result: 'OK' })
    results.push((await s3('list_plans'))['result'])
  }
  t.strictSame(results, ['OK', 'OK', -2, 'OK'])
  t.strictSame(control.faults(), [])
})

t.test('faults of one action strike one after the other; quirks and latency add up', async t => {
  const { s3, control } = await bench(t)
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

t.test('faults strike auth.php and eq_callback.php as well, and can be cleared', async t => {
  const { auth, post, demo, control } = await bench(t)
  control.fault({ action: 'login', kind: 'refusal', text: 'no' })
  control.fault({ action: 'check', kind: 'bare-error' })
  t.strictSame(await auth('login', { key: demo.apiKey }), { code: -1, message: 'no' })
  t.strictSame(await jsonOf(await post('eq_callback.php', { action: 'check', key: 'x' })), { result: 'error' })
  control.clearFaults()
  t.match(await auth('login', { key: demo.apiKey }), { result: { token: String } })
})

t.test('an unknown fault or switch is refused', async t => {
  const { control } = await bench(t)
  // @ts-expect-error there is no such fault
  t.throws(() => control.fault({ kind: 'earthquake' }), TypeError)
  // @ts-expect-error there is no such switch
  t.throws(() => control.set({ weather: 'bad' }), TypeError)
  // @ts-expect-error there is no such word
  t.throws(() => control.set({ rmq: 'maybe' }), TypeError)
  t.doesNotThrow(() => control.set({ disguised: 409, bom: true }))
})

t.test('a client that goes away in the middle of a request does the sandbox no harm', async t => {
  const { url, s3 } = await bench(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('POST /s3.php HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\naction=')
  socket.destroy()
  await once(socket, 'close')
  t.match(await s3('list_plans'), { result: 'OK' })
})
