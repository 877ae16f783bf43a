import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/**
 * A program: sends requests by a fixed schedule over a fixed number of connections, however slow the replies are, and
 * prints its figures as JSON. The time of a reply counts from the instant at which its request was due, so that a server
 * that falls behind cannot hide it (coordinated omission).
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    path: { type: 'string', default: '' },
    /** Between line ends; used in turn. */
    heads: { type: 'string', default: '' },
    distinct: { type: 'string', default: '1' },
    rate: { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
    connections: { type: 'string', default: '' }
  }
})
const [port, rate, seconds, connections, distinct] = (
  ['port', 'rate', 'seconds', 'connections', 'distinct'] as const
).map(name => Number(values[name])) as [number, number, number, number, number]

const heads = values.heads.split('\n')
const SUCCESS = /^HTTP\/1\.1 2/
const idle: Socket[] = []
/** When the request on a connection was due. */
const dueAt = new Map<Socket, number>()
const times: number[] = []
let failed = 0

/** The end of a reply: the length of its body, or the last chunk. */
const isComplete = (reply: string): boolean => {
  const end = reply.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(reply.slice(0, end))?.[1]
  return length === undefined ? reply.endsWith('0\r\n\r\n') : reply.length - end - 4 >= Number(length)
}

const open = async (): Promise<void> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let reply = ''
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    reply += String(chunk)
    if (!isComplete(reply)) return
    times.push(performance.now() - (dueAt.get(socket) ?? 0))
    if (!SUCCESS.test(reply)) failed += 1
    reply = ''
    dueAt.delete(socket)
    idle.push(socket)
  })
  // A server may close a connection after a number of requests.
  socket.on('close', () => {
    if (dueAt.delete(socket)) failed += 1
    const at = idle.indexOf(socket)
    if (at >= 0) idle.splice(at, 1)
    if (!isOver) open().catch(() => undefined)
  })
  socket.on('error', () => undefined)
  await new Promise(resolve => socket.once('connect', resolve))
  idle.push(socket)
}

let isOver = false
await Promise.all(Array.from({ length: connections }, open))
const startedAt = performance.now()
const total = Math.round(rate * seconds)
let sent = 0
while (sent < total) {
  const now = performance.now()
  while (sent < total && startedAt + (sent / rate) * 1000 <= now) {
    const socket = idle.shift()
    // All connections wait: this request stays due.
    if (socket === undefined) break
    dueAt.set(socket, startedAt + (sent / rate) * 1000)
    const path = values.path.replace('{n}', String(sent % distinct))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${heads[sent % heads.length]}\r\n\r\n`)
    sent += 1
  }
  await pause(1)
}
for (let waited = 0; dueAt.size > 0 && waited < 10_000; waited += 50) await pause(50)
isOver = true
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
process.stdout.write(
  JSON.stringify({ requests: times.length, failed: failed + dueAt.size, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) })
)
process.exit(0)
