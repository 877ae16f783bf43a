import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns'
import { once } from 'node:events'
import { connect, isIPv6, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { MAX_CONNECTIONS } from '../../../src/http/listener.ts'
import { buildManagement } from '../../../src/http/management.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { exchange, hostOf } from '../../support/harness/exchange.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** Connections opened at once: more would wait in the kernel's queue. */
const AT_ONCE = 100

const PROBE = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

/** Idle connections. */
const idle = async (url: string, count: number, localAddress?: string): Promise<Socket[]> => {
  const { port } = new URL(url)
  const to = { port: Number(port), host: hostOf(url), ...(localAddress !== undefined && { localAddress }) }
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () =>
      connect(to).on('error', () => undefined)
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

type Found = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void

/** Lets `localhost` have these addresses, as on a machine with IPv6. */
const resolveTo = (t: Test, addresses: readonly string[]): void => {
  const { lookup } = dns
  const replaced = (host: string, options: LookupAllOptions, done: Found) => {
    if (host !== 'localhost') lookup(host, options, done)
    else
      done(
        null,
        addresses.map(address => ({ address, family: isIPv6(address) ? 6 : 4 }))
      )
  }
  dns.lookup = replaced as unknown as typeof lookup
  t.teardown(() => {
    dns.lookup = lookup
  })
}

/** The second is not on this machine. */
const ADDRESSES = ['::1', '192.0.2.1', '127.0.0.1']

t.test('a host with several addresses: all of them are alike', async t => {
  resolveTo(t, ADDRESSES)
  const { url, managementUrl, sandbox, running } = await gateway(t, { HOST: 'localhost', MANAGEMENT_HOST: 'localhost' })
  const { port } = new URL(url)
  const both = [`http://[::1]:${port}`, `http://127.0.0.1:${port}`]

  t.test('the management listener answers on each', async t => {
    for (const host of ['[::1]', '127.0.0.1']) {
      t.equal((await fetch(`http://${host}:${new URL(managementUrl).port}/livez`)).status, 200)
    }
  })

  for (const address of both) {
    t.test(`${address} refuses broken requests with a problem`, async t => {
      for (const [bytes, status] of [
        ['GET /livez HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n', 400],
        [`GET /livez HTTP/1.1\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
        ['CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405]
      ] as const) {
        const { statuses, text } = await exchange(address, [bytes])
        t.strictSame(statuses, [status])
        t.match(text, /Content-Type: application\/problem\+json/)
      }
    })
  }

  t.test('the second drops connections above the limit', async t => {
    const [, second = ''] = both
    const sockets = await idle(second, MAX_CONNECTIONS)
    t.equal((await exchange(second, [PROBE])).text, '')
    for (const socket of sockets) socket.destroy()
    t.ok(await eventually(async () => (await exchange(second, [PROBE])).statuses[0] === 200), 'accepted again')
  })

  t.test('an order in flight on each is answered while the replica shuts down, and both are closed then', async t => {
    sandbox.control.fault({ kind: 'latency', ms: 700, action: 'create_bucket', count: 2 })
    const orders = both.map((address, place) =>
      fetch(`${address}/accounts/s3_user_1/buckets`, {
        method: 'POST',
        headers: { authorization: `Bearer ${sandbox.demo.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: `in-flight-${place}` })
      })
    )
    t.ok(await eventually(async () => running.inFlight().writes === 2), 'both are sent')
    const drained = running.drain()
    t.strictSame(
      (await Promise.all(orders)).map(({ status }) => status),
      [201, 201]
    )
    await drained
    for (const address of both) await t.rejects(fetch(`${address}/livez`), /fetch failed/)
  })
})

t.test('one client address cannot take all connections of a public listener', async t => {
  const { url } = await gateway(t, { HOST: '0.0.0.0', MAX_CONNECTIONS_PER_ADDRESS: '20', TRUST_PROXY: '127.0.0.3' })
  const from = (localAddress: string) => exchange(url, [PROBE], { localAddress })
  const sockets = await idle(url, 20, '127.0.0.1')
  t.equal((await from('127.0.0.1')).text, '', 'its next connection is closed')
  t.equal((await from('127.0.0.2')).statuses[0], 200, 'another client is served')
  sockets.push(...(await idle(url, 30, '127.0.0.3')))
  t.equal((await from('127.0.0.3')).statuses[0], 200, 'so are all clients of a trusted proxy')
  for (const socket of sockets) socket.destroy()
  t.ok(await eventually(async () => (await from('127.0.0.1')).statuses[0] === 200), 'served again')
})

t.test('KEEP_ALIVE_TIMEOUT_MS is announced to clients', async t => {
  const { get } = await gateway(t, { KEEP_ALIVE_TIMEOUT_MS: '620000' })
  t.equal((await get('/livez')).headers['keep-alive'], 'timeout=620, max=1000')
})
