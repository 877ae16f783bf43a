import { request as begin } from 'node:http'
import t from 'tap'
import { request } from 'undici'
import { fakeUpstream, SILENCE } from '../../support/fakes/upstream.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { gatewayProcess } from '../../support/harness/processes.ts'

const LOGIN = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-csrf': '1' },
  body: '{"apiKey":"0123456789abcdef-0123456789abcdef"}'
} as const

t.test('a login is aborted when its caller disconnects', async t => {
  const upstream = await fakeUpstream(t, () => SILENCE)
  const { url } = await gateway(t, { UPSTREAM_URL: upstream.url })
  const call = begin(`${url}/session`, { method: LOGIN.method, headers: LOGIN.headers })
  call.on('error', () => undefined)
  call.end(LOGIN.body)
  t.ok(await eventually(() => upstream.waiting('login') === 1))
  call.destroy()
  t.ok(await eventually(() => upstream.waiting('login') === 0))
})

t.test('503 draining when the replica shuts down before HOSTKEY has answered; the call is aborted', async t => {
  const upstream = await fakeUpstream(t, () => SILENCE)
  const { url, signal, child } = await gatewayProcess(t, {
    UPSTREAM_URL: upstream.url,
    UPSTREAM_TIMEOUT_MS: '4000',
    DRAIN_DELAY_MS: '0',
    DRAIN_GRACE_MS: '2000'
  })
  const login = request(`${url}/session`, LOGIN)
  // A write in flight keeps the replica running until the test has seen the result.
  const deletion = request(`${url}/accounts/s3_user_1/buckets/photos`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer 0123456789abcdef0123456789abcdef' }
  })
  deletion.catch(() => undefined)
  t.ok(await eventually(() => upstream.waiting('login') === 1 && upstream.waiting('delete_bucket') === 1))
  signal('SIGTERM')
  const { statusCode, headers, body } = await login
  t.equal(statusCode, 503)
  t.match(await body.json(), { type: /\/problems\/draining$/, outcome: 'not-applied', retryable: true })
  t.match(headers, { 'retry-after': '1', connection: 'close' })
  t.equal(headers['set-cookie'], undefined)
  t.ok(await eventually(() => upstream.waiting('login') === 0))
  t.equal(upstream.waiting('delete_bucket'), 1, 'the write is not aborted')
  t.equal(child.exitCode, null)
})
