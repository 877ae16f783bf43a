/** A guarantee of the gateway, and the figure that its test must reach. */
export interface Guarantee {
  guarantee: string
  figure: string
}

/**
 * Each guarantee by the name of its test: `order-torture` is tested by `test/guarantees/order-torture.test.ts`. This list
 * and the figures of the last runs make `docs/reference/guarantees.md`.
 */
export const guarantees = {
  'order-torture': {
    guarantee: 'No order is duplicated, lost or mixed up when gateways or Redis are killed',
    figure: '0 duplicated, 0 lost, 0 wrong'
  },
  'order-patience': {
    guarantee: 'An order of the client ends with the truth although its gateway is killed, at every stage',
    figure: 'at most 30 s; 0 sent twice; one unit of the limit of orders'
  },
  'job-torture': {
    guarantee: 'A job deletes what it selects and nothing else, and reports it truly, when gateways are killed',
    figure: '0 deleted outside, 0 left inside, 0 wrong verdicts, 0 gaps in the events'
  },
  'job-selection': {
    guarantee: 'A job deletes what begins with its prefix, byte by byte, whatever HOSTKEY’s search means',
    figure: '0 deleted outside, 0 left inside of a job that is done'
  },
  'unknown-outcome': {
    guarantee: 'An order that HOSTKEY executes late is never sent again',
    figure: '0 sent again; every order ends as succeeded or unknown'
  },
  'fault-matrix': {
    guarantee: 'Every failure of HOSTKEY ends in a named problem within the deadline',
    figure: 'every fault with every action as expected; 0 internal errors'
  },
  'documented-problems': {
    guarantee: 'Each operation answers each of its problems as the document shows it',
    figure: 'every example of a problem, to the last member and header'
  },
  'retry-amplification': {
    guarantee: 'Retries do not add load to an outage',
    figure: 'at most 1.2 upstream calls for each request; each write once'
  },
  'upstream-stall': {
    guarantee: 'The gateway stays responsive while HOSTKEY hangs',
    figure: 'shed p50 ≤ 10 ms, p99 ≤ 300 ms; /livez p99 ≤ 300 ms; ≥ 99 % 200 within 2 s; memory ≤ 150 MB more'
  },
  isolation: {
    guarantee: 'No caller takes calls, slots or logins from another, by its data, its load or made-up tokens',
    figure: '≥ 99 % of the honest requests succeed in each attack; p99 ≤ 2 × quiet'
  },
  'cache-stampede': {
    guarantee: 'Equal reads at the same time cost one upstream call, and no caller gets the answer of another',
    figure: '1,000 misses: 1 call for each caller, 0 mixed up'
  },
  'rolling-restart': {
    guarantee: 'A rolling restart drops no request',
    figure: '0 failed of at least 100,000 over 8 rolling restarts'
  },
  'shutdown-in-flight': {
    guarantee: 'A shutdown waits for a write that was sent, and for no other request',
    figure: 'the write ends and is recorded; exit within the grace period'
  },
  'redis-outage': {
    guarantee: 'An outage of Redis adds little latency, costs no session and ends without a restart',
    figure: 'p99 at most 80 ms more, 350 ms with a session; recovery ≤ 500 ms; 503 and not 401; 0 orders sent'
  },
  'slow-clients': {
    guarantee: 'Slow clients do not block other clients',
    figure: 'slow heads closed in 15 s, slow bodies in 18 s; others p99 < 100 ms'
  },
  'request-smuggling': {
    guarantee: 'A request with ambiguous framing is refused',
    figure: 'all refused; 0 handlers run'
  },
  'forwarded-headers': {
    guarantee: 'Forged forwarding headers change nothing',
    figure: '20 headers × 3 trust settings: 0 changes'
  },
  'parameter-pollution': {
    guarantee: 'Additional parameters and members of a request add nothing to an upstream call',
    figure: '100 % refused, 0 upstream calls'
  },
  'request-fuzzing': {
    guarantee: 'No request causes an internal error or an undocumented reply',
    figure: '100,000 requests: 0 replies 5xx, 0 undocumented replies, 0 additional upstream fields'
  },
  'document-fuzzing': {
    guarantee: 'No request over a real socket gets an undocumented reply',
    figure: '20,000 requests: 0 violations; 4,000 more judged by Prism: 0 violations'
  },
  'raw-requests': {
    guarantee: 'No sequence of bytes stops the gateway',
    figure: '20,000 mutated requests: only 4xx or a closed connection; alive'
  },
  'php-values': {
    guarantee: 'PHP reads every form value exactly as the gateway encoded it',
    figure: '10,000 values: 0 mismatches'
  },
  'file-path-fidelity': {
    guarantee: 'No file path deletes anything but the file that it names',
    figure: '10,000 paths by raw sockets and fetch, 200 by Chromium: 0 deletions of anything else'
  },
  'ended-sessions': {
    guarantee: 'A cookie gives access only while its session lasts and only from an allowed origin',
    figure: '100 % of the matrix; 0 upstream calls for what is refused'
  },
  'mass-relogin': {
    guarantee: 'An expired token is refreshed once, however many requests need it',
    figure: '1,000 calls: 1 login; no write repeated'
  },
  'secret-canaries': {
    guarantee: 'No secret appears in a log, a metric, an error or a list',
    figure: '0 of 6 canaries found'
  },
  'store-dump': {
    guarantee: 'A stolen session store gives no access',
    figure: '0 secrets in a dump; 1,000 flipped bits: 1,000 × 401'
  },
  'regex-backtracking': {
    guarantee: 'No regular expression backtracks without bound',
    figure: '100 % safe'
  },
  'clock-jumps': {
    guarantee: 'A clock that jumps extends no session; clocks that differ give no order to two replicas',
    figure: '0 sessions after their end; clocks an hour apart: 409 until the lease ends'
  },
  'full-disk': {
    guarantee: 'A full disk refuses orders before they are sent',
    figure: '503, 0 upstream calls'
  },
  'image-contents': {
    guarantee: 'The image runs without privileges on a read-only root',
    figure: 'uid 65532, no capabilities, read-only root: starts, serves and stops'
  },
  memory: {
    guarantee: 'Memory stays the same under load',
    figure: 'less than 40 MiB more from the second round to the last; aim: 160 MiB'
  },
  'file-trees': {
    guarantee:
      'A list of files is what the bucket holds, or says that it is not complete, whatever HOSTKEY’s search does',
    figure: 'each list as its generated tree, for 18 behaviours of the search'
  },
  'start-time': {
    guarantee: 'The gateway is ready soon after its start',
    figure: 'aim: 600 ms on a machine that does nothing else'
  },
  load: {
    guarantee: 'At 70 % of its capacity the gateway fails no request and adds little latency',
    figure: '0 errors; p99 ≤ 2 × upstream + 20 ms'
  },
  soak: {
    guarantee: 'Memory and open files do not grow over time',
    figure: '30 min: memory < 1 MiB/min more; 0 unhandled rejections'
  },
  mutation: {
    guarantee: 'The tests detect changes of the code',
    figure: 'at least 80 % of the mutants of upstream calls, sessions and the ledger'
  }
} as const satisfies Record<string, Guarantee>

export type GuaranteeName = keyof typeof guarantees
