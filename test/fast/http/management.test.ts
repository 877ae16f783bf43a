import t from 'tap'
import { buildManagement } from '../../../src/http/management.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { exchange } from '../../support/harness/exchange.ts'

t.test('the management listener has the limits of the public one', async t => {
  const app = buildManagement({ metrics: createMetrics(), findFaults: async () => [] })
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  // Fastify overrides some options: the values of the server count.
  const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections, maxRequestsPerSocket } = app.server
  t.strictSame(
    { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections, maxRequestsPerSocket },
    {
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      keepAliveTimeout: 65_000,
      maxConnections: 2000,
      maxRequestsPerSocket: 1000
    }
  )

  for (const [status, first, header] of [
    [200, 'GET /livez', ''],
    [200, 'HEAD /metrics', ''],
    [200, 'HEAD /readyz?verbose', ''],
    [431, 'GET /metrics', `X-Large: ${'x'.repeat(17_000)}\r\n`]
  ] as const) {
    t.test(`${status} for ${first} with ${header.length} bytes of header`, async t => {
      const { statuses } = await exchange(url, [`${first} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}\r\n`])
      t.strictSame(statuses, [status])
    })
  }
})
