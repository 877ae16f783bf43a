import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Reply } from './gateway.ts'

export interface RawClient {
  /**
   * Sends a request, its first line byte for byte and its body as JSON, and reads the reply. Of a header that comes
   * twice, the last counts.
   * @throws Error when the connection breaks, or when the time is over before the reply is complete
   */
  send(requestLine: string | Uint8Array, headers?: Record<string, string>, body?: string): Promise<Reply>
  close(): void
}

/** 5 s: a hundred times what a reply of the sandbox takes. */
const TIMEOUT_MS = 5000

/** A client that changes nothing in a request. It keeps one connection open and sends one request at a time. */
export const createRawClient = (url: string, { timeoutMs = TIMEOUT_MS } = {}): RawClient => {
  const { host, hostname, port } = new URL(url)
  let kept: Socket | undefined
  return {
    async send(requestLine, headers = {}, body = '') {
      const socket = kept?.writable ? kept : connect(Number(port), hostname).setNoDelay()
      kept = undefined
      const fields = Object.entries({ host, ...(body !== '' && framingOf(body)), ...headers }).map(
        ([name, value]) => `${name}: ${value}\r\n`
      )
      const reply = reading(socket, timeoutMs)
      socket.write(Buffer.concat([Buffer.from(requestLine), Buffer.from(`\r\n${fields.join('')}\r\n${body}`)]))
      const { headers: answered } = await reply
      if (answered['connection'] === 'close') socket.destroy()
      else kept = socket
      return reply
    },
    close: () => kept?.destroy()
  }
}

const framingOf = (body: string) => ({
  'content-type': 'application/json',
  'content-length': String(Buffer.byteLength(body))
})

const reading = (socket: Socket, timeoutMs: number): Promise<Reply> =>
  new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const settle = (act: () => void) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      // An error after the reply, such as a reset, does not matter.
      socket.on('error', () => socket.destroy())
      act()
    }
    const fail = (reason: string) => {
      settle(() => reject(new Error(`${reason} after ${received.length} bytes: ${received.toString().slice(0, 200)}`)))
      socket.destroy()
    }
    const timer = setTimeout(() => fail(`no complete reply within ${timeoutMs} ms`), timeoutMs)
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      const reply = replyIn(received)
      if (reply) settle(() => resolve(reply))
    })
    socket.on('error', ({ message }) => fail(message))
    socket.on('close', () => fail('the connection ended'))
  })

/** The first reply in these bytes, or undefined while it is incomplete. The gateway always sends a length. */
const replyIn = (bytes: Buffer): Reply | undefined => {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
  )
  const body = bytes.subarray(headEnd + 4)
  const length = Number(headers['content-length'] ?? 0)
  if (body.length < length) return undefined
  const text = body.subarray(0, length).toString()
  return { statusCode: Number(statusLine.split(' ')[1]), headers, text, json: () => JSON.parse(text) }
}

/** @throws Error when the text holds no complete reply */
export const replyOf = (text: string): Reply => {
  const reply = replyIn(Buffer.from(text))
  if (!reply) throw new Error(`no complete reply: ${text.slice(0, 200)}`)
  return reply
}

/** Opens a connection and sends these bytes unchanged; `ended` gives everything received until it closes. */
export const openConnection = async (url: string, bytes: string | Buffer) => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setNoDelay()
  let received = ''
  socket.on('data', chunk => {
    received += chunk
  })
  socket.on('error', () => socket.destroy())
  const ended = once(socket, 'close').then(() => received)
  await once(socket, 'connect')
  socket.write(bytes)
  return { socket, send: (more: string) => socket.write(more), ended }
}
