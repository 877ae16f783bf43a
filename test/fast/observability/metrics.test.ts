import { AggregatorRegistry } from 'prom-client'
import t from 'tap'
import { request } from 'undici'
import { problemNames } from '../../../schemas/problems.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas } from '../../support/harness/replicas.ts'

/** 64 KiB: what a scrape every 15 s may cost before the first request. */
const MAX_BYTES = 65_536

/** Its labels are references of texts that HOSTKEY invents. */
const KNOWN_LATER = ['gateway_upstream_undeclared_texts_total']

t.test('every counter exists at 0 from the start', async t => {
  const metrics = await createMetrics().registry.getMetricsAsJSON()
  const counters = metrics.filter(({ type }) => String(type) === 'counter')
  t.ok(counters.length > 3)
  t.same(
    counters.filter(({ values }) => values.length === 0).map(({ name }) => name),
    KNOWN_LATER,
    'declare its known labels with createCounter'
  )
  t.same(
    counters.filter(({ values }) => values.some(({ value }) => value !== 0)),
    []
  )
})

t.test('each limit counts what it allowed and what it refused', async t => {
  const { managementUrl, get } = await gateway(t, { RATE_LIMIT_MAX: '2' })
  for (const status of [200, 200, 429]) t.equal((await get('/accounts')).statusCode, status)
  const text = await (await request(`${managementUrl}/metrics`)).body.text()
  const decisions = (limit: string) =>
    [...text.matchAll(/^gateway_rate_limit_decisions_total\{limit="([^"]+)",decision="(\w+)"\} (\d+)$/gm)]
      .filter(([, name]) => name === limit)
      .map(([, , decision, count]) => `${decision} ${count}`)
  t.same(decisions('caller'), ['allowed 2', 'refused 1'])
  t.same(decisions('ip'), ['allowed 3', 'refused 0'])
  t.same(decisions('delete'), ['allowed 0', 'refused 0'])
})

t.test('sessions and tokens that are alive, and open orders, are counted once for all replicas', async t => {
  const redis = await redisServer(t)
  const { at, browserAt } = await replicas(t, { REDIS_URL: redis.url }, { count: 2 })
  const scrape = async (index: number) => {
    const text = await (await request(`${at(index).managementUrl}/metrics`)).body.text()
    return [
      'gateway_sessions',
      'gateway_derived_tokens',
      'gateway_orders{state="unknown"}',
      'gateway_order_oldest_open_seconds'
    ].map(name =>
      text
        .split('\n')
        .find(line => line.startsWith(`${name} `))
        ?.slice(name.length + 1)
    )
  }
  t.same(await scrape(0), ['0', '0', '0', '0'])
  const first = await browserAt(0)
  await browserAt(1)
  const wanted = { name: 'a job', scopes: ['buckets:read'], expiresInSeconds: 600 }
  const { tokenId } = (await at(0).post('/tokens', wanted)).json()
  for (const index of [0, 1]) t.same(await scrape(index), ['2', '1', '0', '0'])

  t.equal((await first.del('/session')).statusCode, 204)
  t.equal((await at(1).send('DELETE', `/tokens/${tokenId}`)).statusCode, 204)
  for (const index of [0, 1]) t.same(await scrape(index), ['1', '0', '0', '0'])

  await redis.age(21 * 60_000)
  t.same(await scrape(0), ['0', '0', '0', '0'], 'without a request a session ends')
  await redis.kill()
  t.same(await scrape(0), [undefined, undefined, undefined, undefined], 'what is not known has no value')
})

t.test('what workers share is not summed', async t => {
  const worker = async () => {
    const metrics = createMetrics()
    metrics.watchCredentials({ sessions: async () => 7, tokens: async () => 3 })
    metrics.watchOrders(async () => ({ states: { unknown: 2 }, oldestAt: 0 }))
    metrics.watchJobs(async () => ({ states: { queued: 4 }, oldestQueuedAt: undefined }))
    return metrics.registry.getMetricsAsJSON()
  }
  const text = await AggregatorRegistry.aggregate([await worker(), await worker()]).metrics()
  for (const line of [
    'gateway_sessions 7',
    'gateway_derived_tokens 3',
    'gateway_orders{state="unknown"} 2',
    'gateway_jobs{state="queued"} 4'
  ]) {
    t.match(text, `\n${line}\n`)
  }
})

t.test('the first failure grows a counter that existed before', async t => {
  const { managementUrl, sandbox, get } = await gateway(t)
  const scrape = async () => (await request(`${managementUrl}/metrics`)).body.text()
  const before = await scrape()
  t.ok(Buffer.byteLength(before) < MAX_BYTES, `${Buffer.byteLength(before)} bytes`)
  for (const name of problemNames) t.match(before, `\ngateway_request_failures_total{problem="${name}"} 0\n`)
  for (const line of [
    'gateway_upstream_call_failures_total{action="list_plans",result="upstream-refused"}',
    'gateway_upstream_call_failures_total{action="login",result="invalid-credentials"}',
    'gateway_upstream_unclassified_refusals_total{action="list_plans"}',
    'gateway_connections_dropped_total{listener="public"}',
    'gateway_rate_limit_decisions_total{limit="login-account",decision="refused"}',
    'gateway_audit_events_total{event="login",outcome="ok"}',
    'gateway_upstream_retries_total{class="read",reason="early"}',
    'gateway_upstream_reuse_total{source="coalesced"}',
    'gateway_circuit_breaker_open{class="provision"}'
  ]) {
    t.match(before, `\n${line} 0\n`)
  }

  sandbox.control.fault({ kind: 'refusal', action: 'list_plans', text: 'An unknown refusal' })
  await get('/plans')
  t.ok(await eventually(async () => (await scrape()).includes('failures_total{problem="upstream-refused"} 1\n')))
  const after = await scrape()
  t.match(after, '\ngateway_upstream_call_failures_total{action="list_plans",result="upstream-refused"} 1\n')
  t.match(after, '\ngateway_request_failures_total{problem="internal"} 0\n')
  t.match(after, /\ngateway_upstream_undeclared_texts_total\{action="list_plans",reference="[^"]+"\} 1\n/)
})
