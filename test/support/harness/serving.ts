import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { Server } from 'node:net'
import type { Lifetime } from './lifetime.ts'

/** Lets a server listen on a free port of this machine. @returns the port */
export const listening = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the server listens on no port')
  return address.port
}

/** A server that answers so, for one test. @returns its address, without a slash at the end */
export const serving = async (t: Lifetime, answer: RequestListener): Promise<string> => {
  const server = createServer(answer)
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${await listening(server)}`
}
