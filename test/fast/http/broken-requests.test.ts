import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { request } from 'undici'
import { eventually } from '../../support/harness/eventually.ts'
import { exchange } from '../../support/harness/exchange.ts'
import { gateway } from '../../support/harness/gateway.ts'

const BROKEN = 'GET /canary HTTP/1.1\r\nHost: x\r\nX-Canary: a\0canary\r\n\r\n'

t.test('a request that Node’s parser refuses', async t => {
  const { url, lines, managementUrl, sandbox } = await gateway(t)
  const records = () => lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  const credential = `Authorization: Bearer ${sandbox.demo.token}`

  t.test('is one line in the log, without any of its bytes', async t => {
    for (const [bytes, reason, status, problem] of [
      [BROKEN, 'HPE_INVALID_HEADER_TOKEN', 400, 'invalid-request'],
      ['CANARY /canary HTTP/1.1\r\nHost: canary\r\n\r\n', 'HPE_INVALID_METHOD', 400, 'invalid-request'],
      [`GET /canary HTTP/1.1\r\nX: ${'canary'.repeat(3000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW', 431, 'headers-too-large'],
      ['CONNECT canary:443 HTTP/1.1\r\nHost: canary\r\n\r\n', 'CONNECT', 405, 'method-not-allowed']
    ] as const) {
      lines.length = 0
      const { text } = await exchange(url, [bytes])
      const [{ time, requestId, ...record }, ...others] = records()
      t.strictSame(record, {
        level: 'info',
        operation: 'none',
        status,
        problem,
        reason,
        ms: 0,
        upstreamMs: 0,
        upstreamCalls: 0,
        ip: '127.0.0.1',
        msg: 'request'
      })
      t.ok(text.includes(`X-Request-Id: ${requestId}\r\n`), 'the reply has its id')
      t.strictSame(others, [])
      t.notMatch(lines.join(''), /canary/i)
    }
  })

  t.test('is counted', async t => {
    const metrics = await (await request(`${managementUrl}/metrics`)).body.text()
    t.match(
      metrics,
      /gateway_request_duration_seconds_count\{operation="none",status="400",problem="invalid-request"\} 2\n/
    )
    t.match(
      metrics,
      /gateway_request_duration_seconds_count\{operation="none",status="431",problem="headers-too-large"\} 1\n/
    )
    t.match(
      metrics,
      /gateway_request_duration_seconds_count\{operation="none",status="405",problem="method-not-allowed"\} 1\n/
    )
    t.notMatch(metrics, /canary/i)
  })

  t.test('is refused once, also when more bytes follow', async t => {
    lines.length = 0
    const { statuses, isClosed } = await exchange(url, [BROKEN, BROKEN, BROKEN])
    t.strictSame(statuses, [400])
    t.ok(isClosed)
    t.equal(records().length, 1)
  })

  t.test('is refused after the pending reply, so that the refusal is not taken for it', async t => {
    sandbox.control.fault({ kind: 'latency', ms: 150, action: 'create_bucket', count: 1 })
    const body = '{"name":"in-the-pipeline"}'
    const head = `Host: x\r\n${credential}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    const write = `POST /accounts/s3_user_1/buckets HTTP/1.1\r\n${head}\r\n\r\n${body}`
    const { statuses, isClosed, text } = await exchange(url, [write + BROKEN])
    t.strictSame(statuses, [201, 400], text)
    t.ok(isClosed)
  })

  t.test('gets no second reply when its body breaks after the reply', async t => {
    const head = 'Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked'
    const writes = [`POST /accounts HTTP/1.1\r\n${head}\r\n\r\n`, 'zz\r\n']
    const { statuses, isClosed } = await exchange(url, writes, { packetMs: 500 })
    t.strictSame(statuses, [401])
    t.ok(isClosed)
  })
})

t.test('an open connection does not keep the reply that it has sent', async t => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { get } = await gateway(t)
  const sent: WeakRef<object>[] = []
  const onSent = (message: unknown) => {
    const { request, response } = message as { request: { url: string }; response: object }
    if (request.url === '/livez') sent.push(new WeakRef(response))
  }
  subscribe('http.server.response.finish', onSent)
  t.teardown(() => unsubscribe('http.server.response.finish', onSent))
  await get('/livez')
  t.ok(
    await eventually(() => {
      collect()
      return sent.length === 1 && sent[0]?.deref() === undefined
    })
  )
})
