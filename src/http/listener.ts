import type { Server } from 'node:http'

/**
 * Limits of both listeners, public and management. Node's defaults would keep a slow client for minutes. The largest
 * valid body of this API is smaller than 2 KiB.
 */
export const LISTENER = {
  bodyLimit: 16 * 1024,
  /** HEAD would call HOSTKEY like GET. */
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
    insecureHTTPParser: false
  }
} as const

/** A further connection is accepted and closed within milliseconds, without a reply (observed): it does not wait. */
export const MAX_CONNECTIONS = 2000

/** Limits the number of connections. @param onDropped called for each connection above the limit */
export const boundConnections = (server: Server, onDropped: () => void): void => {
  server.maxConnections = MAX_CONNECTIONS
  server.on('drop', onDropped)
}
