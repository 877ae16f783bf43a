import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { traceParentOf } from '../../../src/observability/trace-context.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { ALL, BUCKET, createJob, jobAfter } from '../../support/harness/jobs.ts'

const TRACE = 'feedfacefeedfacefeedfacefeedface'
const SPAN = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: { stringValue?: string; intValue?: string } }[]
}

/** An OTLP receiver: the spans so far, and what it was sent. */
const receiver = async (t: Test) => {
  const texts: string[] = []
  const authorizations: unknown[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', chunk => {
      text += chunk
    })
    request.on('end', () => {
      texts.push(`${request.method} ${request.url} ${text}`)
      authorizations.push(request.headers.authorization)
      response.end('{}')
    })
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const spans = (): Span[] =>
    texts.flatMap(text => JSON.parse(text.slice(text.indexOf('{'))).resourceSpans[0].scopeSpans[0].spans)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, texts, spans, authorizations }
}

t.test('spans of requests, calls and the store reach an OTLP receiver, without a secret', async t => {
  const { url, texts, spans, authorizations } = await receiver(t)
  const { get, post, sandbox, lines, auditRecords, running } = await gateway(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20receiver',
    SESSION_STORE: 'sqlite',
    SESSION_SECRET: 'a-secret-of-the-servers-too-long-to-guess'
  })
  const reply = await get('/accounts/s3_user_1/buckets', { headers: { traceparent: TRACEPARENT } })
  await get('/accounts/s3_user_1/keys/secret-key', { headers: { traceparent: TRACEPARENT } })
  await post('/accounts/s3_user_1/buckets', { name: 'traced' }, { headers: { traceparent: TRACEPARENT } })
  await post('/session', { token: sandbox.demo.token }, { token: null, headers: { 'x-csrf': '1' } })
  await get('/accounts', { headers: { traceparent: `00-${TRACE}-${SPAN}-00` } })
  sandbox.control.putFile(BUCKET, 'traced')
  const { jobId } = await createJob({ get, post }, ALL, { headers: { traceparent: TRACEPARENT } })
  await jobAfter({ get }, jobId)
  await running.drain()

  const own = spans().filter(({ traceId }) => traceId === TRACE)
  const list = own.find(({ name }) => name === 'listBuckets')
  t.match(list, { kind: 2, parentSpanId: SPAN })
  t.equal(reply.headers['traceresponse'], `00-${TRACE}-${list?.spanId}-01`)
  t.match(
    own.find(({ name }) => name === 'get_buckets'),
    { kind: 3, parentSpanId: list?.spanId },
    'the call is below the request'
  )
  const create = own.find(({ name }) => name === 'createBucket')
  t.match(
    own.find(({ name }) => name === 'create_bucket'),
    { parentSpanId: create?.spanId },
    'also after a body'
  )
  t.ok(
    spans().some(({ name, traceId }) => name === 'store' && traceId !== TRACE),
    'the store, in a trace of its own'
  )
  const step = spans().find(({ name }) => name === 'file-deletion step')
  t.match(step, { kind: 1, parentSpanId: undefined })
  t.match(
    spans().find(({ name }) => name === 'delete_file'),
    { traceId: step?.traceId, parentSpanId: step?.spanId },
    'the call of a step is below it'
  )
  const sent = sandbox.control.calls().flatMap(({ headers }) => Object.keys(headers))
  t.ok(sent.length > 0)
  t.same(
    sent.filter(name => /^(trace|baggage|b3|x-b3|x-request-id|forwarded|x-forwarded|via)/.test(name)),
    [],
    'HOSTKEY learns nothing of the trace, nor of the caller'
  )
  t.notOk(
    spans().some(({ name }) => name === 'listAccounts'),
    'a caller that does not sample is obeyed'
  )
  for (const { startTimeUnixNano, endTimeUnixNano } of spans())
    t.ok(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano))

  const line = lines.map(text => JSON.parse(text)).find(({ operation }) => operation === 'listBuckets')
  t.equal(line.traceId, TRACE)
  t.match(
    auditRecords().find(({ event }) => event === 'key.read'),
    { traceId: TRACE }
  )
  t.match(texts[0], /^POST \/v1\/traces /)
  t.same([...new Set(authorizations)], ['Bearer receiver'])
  for (const secret of sandbox.control.secrets()) t.notOk(texts.join().includes(secret), 'no secret in a span')
})

t.test('without a receiver the trace is in the log, the audit log and the reply', async t => {
  const { get, lines, auditRecords, sandbox } = await gateway(t)
  const { headers } = await get('/accounts/s3_user_1/keys/secret-key', { headers: { traceparent: TRACEPARENT } })
  t.match(headers['traceresponse'], new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-00$`))
  const untraced = await get('/plans')
  t.notOk('traceresponse' in untraced.headers)
  t.ok(await eventually(() => lines.some(line => line.includes('listPlans'))))
  t.ok(lines.some(line => line.includes(`"traceId":"${TRACE}"`)))
  t.match(auditRecords().at(-1), { event: 'key.read', traceId: TRACE })
  // A token of HOSTKEY has the form of a trace id: one in the header must not reach the log.
  const { headers: hidden } = await get('/plans', {
    headers: { traceparent: `00-${sandbox.demo.token}-${SPAN}-01` }
  })
  t.notOk('traceresponse' in hidden)
})

t.test('an invalid traceparent is ignored', async t => {
  for (const traceparent of [
    '',
    'x',
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`
  ]) {
    t.equal(traceParentOf({ traceparent }), undefined, traceparent)
  }
  t.match(traceParentOf({ traceparent: `01-${TRACE}-${SPAN}-03-more` }), { isSampled: true })
})
