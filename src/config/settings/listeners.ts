import { host, integer, mountPath, optional, type Setting, setting, socketPath } from '../setting.ts'

/** Where the gateway listens, and how long it keeps connections. */
export const listeners = {
  port: setting({
    name: 'PORT',
    description: 'Port of the public listener; 0 chooses a free port.',
    fallback: '8080',
    read: integer(0, 65_535)
  }),
  socket: setting({
    name: 'SOCKET',
    description:
      'Path of a unix socket on which the gateway listens instead of `HOST` and `PORT`, for a proxy on the same machine. Its user and group may connect. Every connection counts as a trusted proxy, which must set `X-Forwarded-For`.',
    fallback: '',
    defaultText: 'none',
    read: optional(socketPath)
  }),
  basePath: setting({
    name: 'BASE_PATH',
    description: 'Path at which the gateway is mounted, such as `/storage`.',
    fallback: '',
    read: mountPath
  }),
  managementHost: setting({
    name: 'MANAGEMENT_HOST',
    description:
      'Address of the management listener, which needs no credential. Set it to an address of the pod, or to `0.0.0.0`, when the probes of a kubelet or a Prometheus come from another machine; never expose the port to the internet.',
    fallback: '127.0.0.1',
    read: host
  }),
  managementPort: setting({
    name: 'MANAGEMENT_PORT',
    description: 'Port of `/metrics`, `/livez` and `/readyz` on `MANAGEMENT_HOST`; 0 chooses a free port.',
    fallback: '9090',
    read: integer(0, 65_535)
  }),
  workers: setting({
    name: 'WORKERS',
    description:
      'Number of processes that serve the port, such as one for each core. With more than one, sessions and limits are in SQLite (the default then) or Redis; caches, slots for HOSTKEY and circuit breakers are those of each process; each writes an audit log of its own, `audit-1.log` for `audit.log`.',
    fallback: '1',
    read: integer(1, 64)
  }),
  keepAliveTimeoutMs: setting({
    name: 'KEEP_ALIVE_TIMEOUT_MS',
    description:
      'How long the public listener keeps an idle connection open, in ms. It must be longer than the load balancer keeps it: 600000 for most clouds need 620000 here.',
    fallback: '65000',
    read: integer(1000, 3_600_000)
  }),
  maxConnectionsPerAddress: setting({
    name: 'MAX_CONNECTIONS_PER_ADDRESS',
    description:
      'Connections that one client address, or one IPv6 network of 64 bits, may hold on a public listener, of 2000 in all. Further ones are closed. Proxies in `TRUST_PROXY`, and a `HOST` on loopback, have no such limit.',
    fallback: '500',
    read: integer(1, 2000)
  }),
  drainDelayMs: setting({
    name: 'DRAIN_DELAY_MS',
    description:
      'How long a stopping gateway keeps serving while `/readyz` answers 503, in ms. It must be longer than the load balancer needs to react.',
    fallback: '',
    defaultText: '5000 in production, otherwise 0',
    read: optional(integer(0, 60_000))
  }),
  drainGraceMs: setting({
    name: 'DRAIN_GRACE_MS',
    description:
      'How long a stopping gateway then waits for requests in flight, in ms. 5 s before the end, requests that have sent no write get 503. The orchestrator must wait longer than `DRAIN_DELAY_MS` and this together.',
    fallback: '60000',
    read: integer(100, 600_000)
  })
} satisfies Record<string, Setting>
