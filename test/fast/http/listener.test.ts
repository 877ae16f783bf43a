import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { MAX_CONNECTIONS } from '../../../src/http/listener.ts'
import { buildManagement } from '../../../src/http/management.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { exchange } from '../../support/harness/exchange.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** Connections opened at once: more would wait in the kernel's queue. */
const AT_ONCE = 100

const PROBE = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

/** Idle connections. */
const idle = async (url: string, count: number): Promise<Socket[]> => {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () =>
      connect(Number(port), hostname).on('error', () => undefined)
    )
    await Promise.all(some.map(socket => once(socket, 'connect')))
    sockets.push(...some)
  }
  return sockets
}

t.test(`the public listener accepts ${MAX_CONNECTIONS} connections, drops further ones, and counts them`, async t => {
  const { url, managementUrl } = await gateway(t)
  const dropped = async () => {
    const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
    return Number(/gateway_connections_dropped_total\{listener="public"\} (\d+)/.exec(metrics)?.[1] ?? 0)
  }
  const sockets = await idle(url, MAX_CONNECTIONS - 10)
  t.equal((await exchange(url, [PROBE])).statuses[0], 200)
  t.equal(await dropped(), 0)
  sockets.push(...(await idle(url, 10)))
  t.equal((await exchange(url, [PROBE])).text, '')
  // The harness may hold a connection.
  const before = await dropped()
  t.ok(before >= 1 && before <= 4, `${before}`)
  for (let n = 1; n <= 3; n += 1) {
    const { text, isClosed } = await exchange(url, [PROBE])
    t.ok(isClosed)
    t.equal(text, '', 'without a reply')
    t.equal(await dropped(), before + n)
  }
  for (const socket of sockets) socket.destroy()
  t.ok(await eventually(async () => (await exchange(url, [PROBE])).statuses[0] === 200), 'accepted again')
})

t.test('the management listener counts its own', async t => {
  const metrics = createMetrics()
  const app = buildManagement({ metrics, findFaults: async () => [] })
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  app.server.maxConnections = 1
  const [held] = await idle(url, 1)
  t.equal((await exchange(url, [PROBE])).text, '')
  held?.destroy()
  t.match(await metrics.registry.metrics(), /^gateway_connections_dropped_total\{listener="management"\} 1$/m)
})
