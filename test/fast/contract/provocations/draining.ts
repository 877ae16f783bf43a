import { once } from 'node:events'
import { connect } from 'node:net'
import { eventually } from '../../../support/harness/eventually.ts'
import type { Reply } from '../../../support/harness/gateway.ts'
import { changedRequest, documentedGateway, type Pair, type Provocation, prepared } from './provocation.ts'

/** Longer than all the stragglers take. */
const LONG_READ_MS = 10_000

/** A connection of its own, on which this much is sent; all that comes back until it ends. */
const opened = async (url: string, head: string) => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setNoDelay()
  let received = ''
  socket.on('data', chunk => {
    received += chunk
  })
  const ended = once(socket, 'close').then(() => received)
  await once(socket, 'connect')
  socket.write(head)
  return { socket, ended }
}

/** The head of a request but for its end. */
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

const replyIn = (received: string): Reply => {
  const [head = '', text = ''] = received.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = fields.map(field => [
    field.slice(0, field.indexOf(':')).toLowerCase(),
    field.slice(field.indexOf(':') + 1).trim()
  ])
  return {
    statusCode: Number(line.split(' ')[1]),
    headers: Object.fromEntries(headers),
    text,
    json: () => JSON.parse(text)
  }
}

/** Stragglers: their connections were there before the listener closed. A long read keeps the replica from ending. */
export const draining: Provocation = async ({ t }, pairs) => {
  const { url, sandbox, running } = await documentedGateway(t, { DRAIN_DELAY_MS: '0' })
  const { host } = new URL(url)
  const ready = new Map<Pair, () => Promise<Reply>>()
  for (const pair of pairs) {
    const { method, path, headers, body, token } = await changedRequest(pair, {}, sandbox)
    const text = body === undefined ? '' : JSON.stringify(body)
    const framing = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
    const head = headOf(`${method} ${path}`, host, token, { ...(text !== '' && framing), ...headers })
    const { socket, ended } = await opened(url, head)
    ready.set(pair, async () => {
      socket.write(`\r\n${text}`)
      return replyIn(await ended)
    })
  }
  sandbox.control.fault({ kind: 'latency', action: 'get_buckets_rmq', ms: LONG_READ_MS })
  const read = await opened(url, `${headOf('GET /accounts/s3_user_1/usage', host, sandbox.demo.token, {})}\r\n`)
  t.ok(await eventually(() => sandbox.control.counters()['get_buckets_rmq'] === 1), 'a read is on its way')
  const withShutdownGuard = running.drain()
  t.after(() => {
    read.socket.destroy()
    return withShutdownGuard
  })
  t.ok(await eventually(isClosed(url)), 'no new connection is taken')
  return prepared(ready)
}
