/** One promise of this house, and the figure that its test must reach. */
export interface Guarantee {
  promise: string
  figure: string
}

/**
 * Each promise by the name of the test that holds it: order-torture is `test/promises/t-order.test.ts`. From here and from
 * the figures of a run comes `docs/reference/guarantees.md`.
 */
export const promises = {
  'order-torture': {
    promise: 'No order is doubled, lost or mixed up, whatever is killed',
    figure: '0 duplicated, 0 lost, 0 wrong'
  },
  'unknown-outcome': {
    promise: 'An order that HOSTKEY executes late is never sent again',
    figure: '0 sent again; every order ends as done or unknown'
  },
  'fault-matrix': {
    promise: 'Whatever HOSTKEY sends, or does not send, ends in a named problem, in time',
    figure: '559 of 559 cells; 0 of our own 500s'
  },
  'retry-amplification': {
    promise: 'Retries do not make an outage worse',
    figure: 'at most 1.2 calls upstream for each request; each write once'
  },
  'upstream-stall': {
    promise: 'A HOSTKEY that hangs does not sink the gateway',
    figure: 'shed p50 ≤ 10 ms, p99 ≤ 300 ms; /livez p99 ≤ 300 ms; ≥ 99 % 200 within 2 s; memory ≤ 150 MB more'
  },
  'cache-stampede': {
    promise: 'Many who ask the same at once cost one call, and nobody gets another’s answer',
    figure: '1,000 misses: 1 call for each caller, 0 mixed up'
  },
  'rolling-restart': {
    promise: 'No request is dropped by a restart',
    figure: '0 failed of at least 100,000 over 8 rolling restarts'
  },
  'shutdown-in-flight': {
    promise: 'A restart waits for a write that was sent, and for nothing else',
    figure: 'the write ends and is recorded; exit within the grace'
  },
  'redis-outage': {
    promise: 'A Redis that is away costs little, also behind a network that loses everything, and comes back by itself',
    figure: 'p99 at most 60 ms more; recovery ≤ 500 ms; 503 and not 401; 0 orders sent'
  },
  'slow-clients': {
    promise: 'Slow clients do not keep others out',
    figure: 'slow heads gone in 15 s, slow bodies in 18 s; others p99 < 100 ms'
  },
  'request-smuggling': {
    promise: 'A request that can be read in two ways is not read',
    figure: '46 of 46 refused; 0 handlers run'
  },
  'forwarded-headers': {
    promise: 'A forged header about where a request comes from changes nothing',
    figure: '20 headers × 3 trust settings: 0 changes'
  },
  'parameter-pollution': {
    promise: 'Nothing is added to a call by what a client adds to a request',
    figure: '100 % refused, 0 calls upstream'
  },
  'request-fuzzing': {
    promise: 'No request breaks the gateway',
    figure: '100,000 requests: 0 five-hundreds, 0 replies beside the document, 0 fields too many'
  },
  'document-fuzzing': {
    promise: 'No request over a real socket breaks the gateway',
    figure: '20,000 requests: 0 violations; 4,000 more through Prism, which is not ours: 0 violations'
  },
  'raw-requests': {
    promise: 'No bytes break the gateway',
    figure: '20,000 mutated requests: only 4xx or a closed connection; alive'
  },
  'php-values': {
    promise: 'HOSTKEY’s PHP reads each value as it was meant',
    figure: '10,000 values: 0 mismatches'
  },
  'file-path-fidelity': {
    promise: 'No file path becomes another deletion',
    figure: '10,000 paths by raw sockets and fetch, 200 by Chromium: 0 deletions of anything else'
  },
  'ended-sessions': {
    promise: 'A cookie opens what it should, and nothing else',
    figure: '100 % of the matrix; 0 calls upstream for what is refused'
  },
  'mass-relogin': {
    promise: 'An ended token is renewed once, however many ask',
    figure: '1,000 calls: 1 login; no write repeated'
  },
  'secret-canaries': {
    promise: 'No secret leaves in a log, a metric, an error or a list',
    figure: '0 of 6 canaries found'
  },
  'store-dump': {
    promise: 'A stolen session store is useless',
    figure: '0 secrets in a dump; 1,000 flipped bits: 1,000 × 401'
  },
  'regex-backtracking': {
    promise: 'No pattern can be made to run away',
    figure: '100 % safe'
  },
  'clock-jumps': {
    promise: 'A clock that jumps prolongs no session; clocks that differ give no order away',
    figure: '0 sessions beyond their end; an hour apart: 409 until the lease is over'
  },
  'full-disk': {
    promise: 'A full disk stops orders before they are sent',
    figure: '503, 0 calls upstream'
  },
  'image-contents': {
    promise: 'What goes into the image needs no rights',
    figure: 'uid 65532, no capabilities, read-only root: serves and ends'
  },
  load: {
    promise: 'At seven tenths of what it can do, nothing fails and nothing waits',
    figure: '0 errors; p99 ≤ 2 × upstream + 20 ms'
  },
  soak: {
    promise: 'It can run for long',
    figure: '30 min: memory < 1 MiB/min more; 0 unhandled rejections'
  },
  mutation: {
    promise: 'The tests notice when the code does something else',
    figure: 'at least 80 % of all mutants of calls to HOSTKEY, sessions and the ledger'
  }
} as const satisfies Record<string, Guarantee>

export type GuaranteeName = keyof typeof promises
