import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What of tap's test object is used. */
interface Test {
  after(end: () => Promise<void>): unknown
}

/** A HOSTKEY that hears and never answers. */
export const silentUpstream = async (t: Test) => {
  const waiting = new Map<string, number>()
  const count = (action: string, change: number) => waiting.set(action, (waiting.get(action) ?? 0) + change)
  const server = createServer(async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const action = new URLSearchParams(form).get('action') ?? ''
    count(action, 1)
    response.once('close', () => count(action, -1))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    /** Calls of the action that still wait for an answer; undefined when there was none at all. */
    waiting: (action: string): number | undefined => waiting.get(action)
  }
}
