import type { Server } from 'node:http'

/**
 * Bounds of both listeners, public and management (RELIABILITY 4.7): Node's own would keep a slow client for minutes.
 * The largest body of this API is smaller than 2 KiB.
 */
export const LISTENER = {
  bodyLimit: 16 * 1024,
  /** A HEAD must not run what a GET runs. */
  exposeHeadRoutes: false,
  maxRequestsPerSocket: 1000,
  /** Longer than a load balancer keeps its side: the one that closes first loses no request. */
  keepAliveTimeout: 65_000,
  /** Not under `http`: Fastify would write its own default, which is none, over it. */
  requestTimeout: 15_000,
  http: {
    headersTimeout: 10_000,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16 * 1024,
    /** `guard` counts them, and answers with a problem. */
    requireHostHeader: false,
    /** Said here so that no NODE_OPTIONS turns it on. */
    insecureHTTPParser: false
  }
} as const

/** One more is accepted and closed at once, without an answer and in a few milliseconds (observed): it never waits in a queue. */
export const MAX_CONNECTIONS = 2000

/** Bounds the number of connections. @param dropped told of each that is one too many */
export const boundConnections = (server: Server, dropped: () => void): void => {
  server.maxConnections = MAX_CONNECTIONS
  server.on('drop', dropped)
}
