import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:net'
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
  const server = createHttpServer(answer)
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${await listening(server)}`
}

/** A port that was free a moment ago: an origin must be known before the gateway starts. */
export const freePort = async (): Promise<number> => {
  const server = createServer()
  const port = await listening(server)
  server.close()
  await once(server, 'close')
  return port
}

/** Below the range from which the kernel takes ports for outgoing connections (Linux: from 32768 on). */
const STABLE = { least: 20_000, most: 30_000 }

/** A free port that no outgoing connection takes while its server is started again. */
export const stablePort = async (): Promise<number> => {
  for (;;) {
    const port = STABLE.least + Math.floor(Math.random() * (STABLE.most - STABLE.least))
    const server = createServer()
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
