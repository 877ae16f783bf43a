import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createSender } from '../../../conformance/sender.ts'

t.test('a server that is busy', async t => {
  const headers: (Record<string, string> | undefined)[] = []
  const server = createServer((_request, response) => {
    const busy = headers.shift()
    response.writeHead(busy ? 503 : 200, busy).end('{}')
  }).listen(0, '127.0.0.1')
  t.after(async () => void server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const sender = createSender({ url, ratePerSecond: 50, maxRequests: 100, timeoutMs: 1000 })
  const statusAfter = async (method: 'GET' | 'POST', ...busy: Record<string, string>[]) => {
    const before = sender.count()
    headers.splice(0, headers.length, ...busy)
    const { status } = await sender.send({ method, path: '' })
    return [status, sender.count() - before]
  }

  t.test('is asked again when it says after how long, at most three times in all', async t => {
    const soon = { 'retry-after': '0' }
    t.strictSame(await statusAfter('GET', soon, soon), [200, 3])
    t.strictSame(await statusAfter('GET', soon, soon, soon), [503, 3])
  })
  t.test('is asked once for a write, and where it says nothing or too long a time', async t => {
    t.strictSame(await statusAfter('POST', { 'retry-after': '0' }), [503, 1])
    t.strictSame(await statusAfter('GET', {}), [503, 1])
    t.strictSame(await statusAfter('GET', { 'retry-after': '11' }), [503, 1])
  })
})
