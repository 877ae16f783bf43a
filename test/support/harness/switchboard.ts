import { connect, createServer, type Socket } from 'node:net'
import type { Lifetime } from './lifetime.ts'
import { listening } from './serving.ts'

/** A listener that connects its callers to a port of this machine: what a network or a failover does to them. */
export const switchboard = async (t: Lifetime, firstPort: number) => {
  let target = firstPort
  const sockets = new Set<Socket>()
  const server = createServer(caller => {
    const called = connect(target, '127.0.0.1')
    for (const socket of [caller, called]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    caller.pipe(called).pipe(caller)
  })
  const port = await listening(server)
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port,
    /** Connections that are there carry nothing more, and nobody tells; new ones work. */
    forget() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    /** New connections lead elsewhere; those that are there stay. */
    leadTo(port: number) {
      target = port
    }
  }
}
