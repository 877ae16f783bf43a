import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Trust } from '../core/address.ts'

export interface IdleConnectionOptions {
  isProxy: Trust
  /** Has the connection answered all of its requests? */
  isIdle: (socket: Duplex) => boolean
  onClosed: () => void
}

/**
 * Reports idle connections of a proxy that the gateway closes. The proxy should close them first: it may send a request
 * just then, which is lost.
 */
export const watchIdle = (server: Server, { isProxy, isIdle, onClosed }: IdleConnectionOptions): void => {
  server.on('connection', socket => {
    if (!isProxy(socket.remoteAddress)) return
    // Emitted too while a stream waits for its reader.
    socket.on('timeout', () => {
      if (isIdle(socket)) onClosed()
    })
  })
}
