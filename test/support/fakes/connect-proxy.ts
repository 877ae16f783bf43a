import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Lifetime } from '../harness/lifetime.ts'
import { listening } from '../harness/serving.ts'

/** What the proxy answers to CONNECT: a tunnel, this status, or what is done with the connection. */
export type ConnectAnswer = 'tunnel' | number | ((socket: Socket) => void)

/** An HTTP proxy that tunnels, as a company has one. */
export const connectProxy = async (t: Lifetime) => {
  const sockets = new Set<Socket>()
  const seen: { target: string; authorization: string | undefined }[] = []
  let answer: ConnectAnswer = 'tunnel'
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    return socket
  }
  const server = createServer()
  server.on('connection', track)
  server.on('connect', (request, client: Socket) => {
    const target = request.url ?? ''
    seen.push({ target, authorization: request.headers['proxy-authorization'] })
    if (typeof answer === 'number') client.end(`HTTP/1.1 ${answer} No\r\nContent-Length: 0\r\n\r\n`)
    else if (typeof answer === 'function') answer(client)
    else {
      const upstream = track(connect(Number(target.split(':')[1]), '127.0.0.1'))
      upstream.once('connect', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        client.pipe(upstream).pipe(client)
      })
    }
  })
  const port = await listening(server)
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** The CONNECT requests so far. */
    seen,
    answerNext(next: ConnectAnswer) {
      answer = next
    }
  }
}
