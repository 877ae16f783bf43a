import { connect, createServer, type Socket } from 'node:net'
import type { Lifetime } from './lifetime.ts'
import { listening } from './serving.ts'

/** A TCP proxy in front of a local port that simulates a firewall and a failover. */
export const tcpProxy = async (t: Lifetime, firstPort: number) => {
  let target = firstPort
  const sockets = new Set<Socket>()
  let roundTrips = 0
  const server = createServer(client => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream).pipe(client)
    let isWaiting = false
    client.on('data', () => {
      if (!isWaiting) roundTrips += 1
      isWaiting = true
    })
    upstream.on('data', () => {
      isWaiting = false
    })
  })
  const port = await listening(server)
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port,
    /** How many times clients have sent data while they waited for no reply. */
    roundTrips: () => roundTrips,
    /** Stops all data on the open connections without closing them; new connections work. */
    stall() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    /** Connects new clients to another port; open connections stay. */
    redirect(port: number) {
      target = port
    }
  }
}
