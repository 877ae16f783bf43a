import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What of tap's test object is used. */
interface Test {
  after(end: () => Promise<void>): unknown
}

/** A listener that connects its callers to a port of this machine: what a network or a failover does to them. */
export const switchboard = async (t: Test, firstPort: number) => {
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
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('no port')
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: address.port,
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
