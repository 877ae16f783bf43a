import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Lifetime } from '../harness/lifetime.ts'
import { listening } from '../harness/serving.ts'

/** What the front does with a new connection instead of serving it. */
export type Break = (socket: Socket) => void

/** A TLS front of HOSTKEY that can break each new connection; those that are open stay. */
export const tlsFront = async (t: Lifetime, target: string, options: TlsOptions) => {
  const sockets = new Set<Socket>()
  const track = <S extends Socket>(socket: S): S => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket)) as S
  }
  /** Serves a connection with TLS. */
  const serve = (options: TlsOptions): Break => {
    const server = createTlsServer(options, client => {
      const upstream = track(connect(Number(new URL(target).port), '127.0.0.1'))
      track(client).pipe(upstream).pipe(client)
    })
    server.on('tlsClientError', () => undefined)
    return socket => server.emit('connection', socket)
  }
  const normal = serve(options)
  let handle = normal
  let connections = 0
  const server = createServer(socket => {
    connections += 1
    handle(track(socket))
  })
  const port = await listening(server)
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port,
    url: `https://localhost:${port}/`,
    serve,
    connections: () => connections,
    /** Breaks each new connection; undefined serves it. */
    breakNext(how: Break | undefined) {
      handle = how ?? normal
    }
  }
}
