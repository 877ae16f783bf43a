import { eventually } from '../../../support/harness/eventually.ts'
import type { Reply } from '../../../support/harness/gateway.ts'
import { openConnection, replyOf } from '../../../support/harness/raw.ts'
import { changedRequest, documentedGateway, type Pair, type Provocation, prepared } from './provocation.ts'

/** Longer than the requests below take. */
const LONG_READ_MS = 10_000

/** The head of a request without the final empty line. */
const headOf = (line: string, host: string, token: string | null, more: Record<string, string>): string => {
  const fields = { host, ...(token !== null && { authorization: `Bearer ${token}` }), ...more }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}`
}

const isClosed = (url: string) => () =>
  fetch(`${url}/livez`).then(
    () => false,
    () => true
  )

/** Requests on connections that were opened before the listener closed. A long read keeps the replica alive. */
export const draining: Provocation = async ({ t }, pairs) => {
  const { url, sandbox, running } = await documentedGateway(t, { DRAIN_DELAY_MS: '0' })
  const { host } = new URL(url)
  const ready = new Map<Pair, () => Promise<Reply>>()
  for (const pair of pairs) {
    const { method, path, headers, body, token } = await changedRequest(pair, {}, sandbox)
    const text = body === undefined ? '' : JSON.stringify(body)
    const framing = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
    const head = headOf(`${method} ${path}`, host, token, { ...(text !== '' && framing), ...headers })
    const { socket, ended } = await openConnection(url, head)
    ready.set(pair, async () => {
      socket.write(`\r\n${text}`)
      return replyOf(await ended)
    })
  }
  sandbox.control.fault({ kind: 'latency', action: 'get_buckets_rmq', ms: LONG_READ_MS })
  const read = await openConnection(url, `${headOf('GET /accounts/s3_user_1/usage', host, sandbox.demo.token, {})}\r\n`)
  t.ok(await eventually(() => sandbox.control.counters()['get_buckets_rmq'] === 1), 'a read is in flight')
  const drained = running.drain()
  t.after(() => {
    read.socket.destroy()
    return drained
  })
  t.ok(await eventually(isClosed(url)), 'no new connection is accepted')
  return prepared(ready)
}
