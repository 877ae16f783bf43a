import { connect, type Socket } from 'node:net'

export interface RawReply {
  status: number
  /** Names in lower case; of a name that comes twice, the last. */
  headers: Record<string, string>
  body: string
}

export interface RawClient {
  /**
   * Sends a request, with a body of JSON if one is given, its first line byte for byte as given, and reads the reply.
   * @throws Error when the connection breaks or the time is over before the whole reply is here
   */
  send(requestLine: string | Uint8Array, headers?: Record<string, string>, body?: string): Promise<RawReply>
  close(): void
}

/** 5 s: a hundred times what a reply of the sandbox takes. */
const TIMEOUT_MS = 5000

/** A client that corrects nothing: one connection, kept open, one request after the other. */
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

const reading = (socket: Socket, timeoutMs: number): Promise<RawReply> =>
  new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const settle = (act: () => void) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      // An error after the reply, such as a reset, is no longer of interest.
      socket.on('error', () => socket.destroy())
      act()
    }
    const fail = (reason: string) => {
      settle(() => reject(new Error(`${reason} after ${received.length} bytes: ${received.toString().slice(0, 200)}`)))
      socket.destroy()
    }
    const timer = setTimeout(() => fail(`no whole reply within ${timeoutMs} ms`), timeoutMs)
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      const reply = replyIn(received)
      if (reply) settle(() => resolve(reply))
    })
    socket.on('error', ({ message }) => fail(message))
    socket.on('close', () => fail('the connection ended'))
  })

/** The whole reply, or undefined while more has to come. The gateway always sends a length. */
const replyIn = (bytes: Buffer): RawReply | undefined => {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
  )
  const body = bytes.subarray(headEnd + 4)
  const length = Number(headers['content-length'] ?? 0)
  if (body.length < length) return undefined
  return { status: Number(statusLine.split(' ')[1]), headers, body: body.subarray(0, length).toString() }
}
