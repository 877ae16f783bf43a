import { createServer } from 'node:net'

/** Below the range of ports for outgoing connections (Linux: from 32768). */
const PORTS = { least: 20_000, most: 32_000 }

/** Listens. @returns false where somebody else does */
const isFree = (path: string | number, hold: boolean): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer().unref()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error)
    )
    const settle = () => (hold ? resolve(true) : server.close(() => resolve(true)))
    if (typeof path === 'string') server.listen(path, settle)
    else server.listen(path, '127.0.0.1', settle)
  })

/**
 * A free port that stays free while its server restarts: outgoing connections use other ports, and other tests see that
 * this process holds a name for the port in Linux's abstract socket namespace until it ends.
 */
export const stablePort = async (): Promise<number> => {
  for (;;) {
    const port = PORTS.least + Math.floor(Math.random() * (PORTS.most - PORTS.least))
    if ((await isFree(`\0hks3-test-port-${port}`, true)) && (await isFree(port, false))) return port
  }
}
