import dns from 'node:dns'
import { once } from 'node:events'
import { chmodSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, isIP, type Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { plainAddress, subnetOf } from '../core/address.ts'

/**
 * Limits of both listeners, public and management. Node's defaults would keep a slow client for minutes. The largest
 * valid body of this API is smaller than 2 KiB; a deletion of files has a limit of its own.
 */
export const LISTENER = {
  bodyLimit: 16 * 1024,
  /** `answerHead` answers HEAD: Fastify's own would read a stream to its end. */
  exposeHeadRoutes: false,
  maxRequestsPerSocket: 1000,
  /** Longer than the usual 60 s of a load balancer: the side that closes first cannot lose a request. */
  keepAliveTimeout: 65_000,
  /** Not under `http`: there Fastify's default, no limit, would override it. */
  requestTimeout: 15_000,
  http: {
    headersTimeout: 10_000,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16 * 1024,
    /** `guard` checks it and answers with a problem. */
    requireHostHeader: false,
    /** Set explicitly, so that NODE_OPTIONS cannot enable it. */
    insecureHTTPParser: false,
    /** A request without a body gets no stream's events: 6 % of a read (measured). */
    optimizeEmptyRequests: true
  }
} as const

/** A further connection is accepted and closed within milliseconds, without a reply (observed): it does not wait. */
export const MAX_CONNECTIONS = 2000

/**
 * Connections that wait to be accepted while the process is busy. The system drops further ones, and their clients try again
 * after 1, 3 and 7 s. Node's own limit is 511, and that of the system often 4096.
 */
const BACKLOG = MAX_CONNECTIONS

export interface ConnectionBounds {
  /** Called for each connection above a limit. */
  onDropped: () => void
  /** Connections of one client address, an IPv6 network counting as one; undefined: only all together are limited. */
  maxPerAddress?: number | undefined
  /** Addresses whose connections belong to many clients. */
  isProxy?: (address: string) => boolean
}

/** Limits the number of connections, and makes `listenOn` limit those of further addresses. */
export const boundConnections = (app: FastifyInstance, bounds: ConnectionBounds): void => {
  boundTotal(app.server, bounds)
  if (bounds.maxPerAddress !== undefined) boundByAddress(app.server, bounds.maxPerAddress, bounds)
  const others: Server[] = []
  app.decorate(OTHERS, { others, bounds })
  const closed: Promise<unknown>[] = []
  app.addHook('preClose', done => {
    closed.push(...others.filter(({ listening }) => listening).map(server => once(server.close(), 'close')))
    done()
  })
  // Fastify waits for the connections of its own server only.
  app.addHook('onClose', async () => void (await Promise.all(closed)))
}

const OTHERS = 'otherListeners'

const boundTotal = (server: Server, { onDropped }: ConnectionBounds): void => {
  server.maxConnections = MAX_CONNECTIONS
  server.on('drop', onDropped)
}

/** Closes connections of an address that has as many as it may have, so that one client cannot take all. */
const boundByAddress = (server: Server, max: number, { onDropped, isProxy }: ConnectionBounds): void => {
  const counts = new Map<string, number>()
  server.prependListener('connection', socket => {
    // Undefined when the client has disconnected already.
    const address = plainAddress(socket.remoteAddress ?? '')
    if (address === undefined || isProxy?.(address)) return
    const network = subnetOf(address)
    const count = counts.get(network) ?? 0
    if (count >= max) {
      onDropped()
      socket.destroy()
      return
    }
    counts.set(network, count + 1)
    socket.once('close', () => {
      const left = (counts.get(network) ?? 1) - 1
      if (left > 0) counts.set(network, left)
      else counts.delete(network)
    })
  })
}

/** Addresses that a machine may list for a name without having them: IPv6 that is switched off, a link without a zone. */
const UNUSABLE = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/**
 * Listens on every address of a host: `localhost` may be ::1 and 127.0.0.1. Connections to all of them are handed to the
 * one HTTP server of the application, so that its limits, its answers to broken requests and its drain apply to all.
 * @param app after `boundConnections`
 * @returns the address of the first
 * @throws the error of an address that is taken, or of a name without an address
 */
export const listenOn = async (
  app: FastifyInstance,
  { host, port }: { host: string; port: number }
): Promise<string> => {
  const { others, bounds } = app.getDecorator<{ others: Server[]; bounds: ConnectionBounds }>(OTHERS)
  let url: string | undefined
  let unusable: unknown
  for (const address of isIP(host) === 0 ? await addressesOf(host) : [host]) {
    try {
      if (url === undefined) url = await app.listen({ host: address, port, backlog: BACKLOG })
      else {
        const server = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
          app.server.emit('connection', socket)
        )
        boundTotal(server, bounds)
        server.listen(Number(new URL(url).port), address, BACKLOG)
        await once(server, 'listening')
        others.push(server)
      }
    } catch (error) {
      if (!UNUSABLE.has(Object(error).code)) throw error
      unusable = error
    }
  }
  if (url === undefined) throw unusable
  return url
}

/** Read and write for the user and the group: the proxy is in the group. */
const SOCKET_MODE = 0o660

/**
 * Listens on a unix socket. The file of a process that was killed is replaced; one on which a process listens is not.
 * @returns the address
 * @throws the error of a socket that is in use, or of its folder
 */
export const listenOnSocket = async (app: FastifyInstance, path: string): Promise<string> => {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() && !(await isAnswered(path))) rmSync(path)
  await app.listen({ path, backlog: BACKLOG })
  chmodSync(path, SOCKET_MODE)
  return `unix:${path}`
}

const isAnswered = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

const addressesOf = (host: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    dns.lookup(host, { all: true }, (error, addresses) => {
      if (error) reject(error)
      else resolve([...new Set(addresses.map(({ address }) => address))])
    })
  })
