import { BODY_LIMIT } from '../../routes/jobs.ts'
import { FilesQuery } from '../../schemas/files.ts'
import { BucketName, IdempotencyKey, NewBucketName, S3Uid } from '../../schemas/scalars.ts'
import { ABSOLUTE_MS, IDLE_MS, MAX_PER_CUSTOMER } from '../../src/auth/session-records.ts'
import { settings } from '../../src/config/settings.ts'
import { CHECK_MS } from '../../src/domain/jobs/jobs.ts'
import { KEY_MS, ORDER_MS } from '../../src/domain/orders/ledger/ledger.ts'
import { MAX_PATH_BYTES } from '../../src/domain/storage/files.ts'
import { MAX_AGE_MS, IDLE_MS as STREAM_IDLE_MS } from '../../src/http/event-stream.ts'
import { LISTENER, MAX_CONNECTIONS } from '../../src/http/listener.ts'
import { MAX_URL_LENGTH } from '../../src/http/plugins/guard.ts'
import { LOGIN, LOGIN_ACCOUNT, LOGIN_CREDENTIAL } from '../../src/http/plugins/login-limits.ts'
import { ADDRESS, CALLER, CLASSES, type Policy, quotaOf } from '../../src/http/plugins/rate-limits.ts'
import { type Effect, MIB } from '../../src/upstream/actions/action.ts'
import { MAX_KEYS } from '../../src/upstream/actions/files.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { EXPIRY_MS, FRESH_MS } from '../../src/upstream/resilience/cache.ts'
import { type CallClass, classOf } from '../../src/upstream/resilience/call-classes.ts'
import { OPEN_MS } from '../../src/upstream/resilience/circuit-breaker.ts'
import { CONSECUTIVE_FAILURES, EVIDENCE, FAILURE_RATE } from '../../src/upstream/resilience/circuit-evidence.ts'
import { MAX_IN_FLIGHT, MAX_WAITING } from '../../src/upstream/resilience/fair-queue.ts'
import { code, page, table } from './markdown.ts'

const UNITS: readonly [string, number][] = [
  ['d', 24 * 3_600_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000]
]

/** In the largest unit that gives a whole number. */
const time = (ms: number): string => {
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ['ms', 1]
  return `${ms / size} ${unit}`
}

const KIB = 1024

const bytes = (count: number): string =>
  count % (KIB * KIB) === 0
    ? `${count / (KIB * KIB)} MiB`
    : count % KIB === 0 && count > KIB
      ? `${count / KIB} KiB`
      : `${count} bytes`

const MAX = Number(settings.rateLimitMax.fallback)
const WINDOW_MS = Number(settings.rateLimitWindowMs.fallback)

const policyRow = (who: string, policy: Policy): string[] => [
  code(policy.name),
  who,
  String(quotaOf(policy, { all: MAX })),
  time(WINDOW_MS * policy.windows)
]

const rateRows = [
  policyRow('all requests of an address', ADDRESS),
  policyRow('all requests of a caller', CALLER),
  ...Object.entries(CLASSES).flatMap(([rate, policies]) =>
    policies.map(policy =>
      policyRow(`operations of rate class ${code(rate)} of a ${policy.isByCustomer ? 'customer' : 'caller'}`, policy)
    )
  ),
  policyRow('failed logins of a network, and logins of one account from it', LOGIN),
  policyRow('failed logins of one account from one network', LOGIN_CREDENTIAL),
  policyRow(
    'failed logins of one account from all networks, except those from which it has logged in within 30 days',
    LOGIN_ACCOUNT
  )
]

/** The call classes, with their effects. */
const classRows = [...Map.groupBy(Object.entries(classOf) as [Effect, CallClass][], ([, each]) => each)].map(
  ([each, effects]) => [
    code(each.name),
    effects.map(([effect]) => code(effect)).join(', '),
    String(each.slots),
    String(each.strangerSlots),
    time(each.maxWaitMs),
    time(each.headersTimeoutMs),
    time(each.deadlineMs)
  ]
)

/** A limit in a schema. The type of a schema does not say which limits it has. */
const bound = (schema: object, name: 'minLength' | 'maxLength' | 'maximum'): number =>
  Number((schema as Record<string, unknown>)[name])

const characters = (schema: object) => `${bound(schema, 'minLength')} to ${bound(schema, 'maxLength')} characters`

/** The key may be in quotation marks, which the schema counts. */
const keyCharacters = `${bound(IdempotencyKey, 'minLength')} to ${bound(IdempotencyKey, 'maxLength') - 2} characters`

export const limitsPage = (): string =>
  page(
    'Limits',
    'the limits in `src/`, `routes/` and `schemas/`',
    'Every wait and every buffer has a limit. A request beyond a limit gets 429 `rate-limited`, 503 `overloaded`, or another 4xx problem. The reasons are in [reliability](../explanation/reliability.md).',
    '## Requests',
    `With the default settings. All limits scale with \`RATE_LIMIT_MAX\` and \`RATE_LIMIT_WINDOW_MS\`; \`DELETE_RATE_LIMIT_MAX\` sets \`delete\`, and \`LOGIN_RATE_LIMIT_MAX\` those that begin with \`login\`. A service of rate \`high\` has ten times these limits. A network is an IPv4 address or an IPv6 network of 64 bits. The limits of a customer are shared by all of its tokens and sessions; the gateway asks HOSTKEY for the customer of a token and remembers it for a minute. If HOSTKEY does not answer, such tokens of one network share one limit. A service has its own. A request that repeats the \`Idempotency-Key\` of an order or account counts only against \`caller\`. \`RateLimit\` and \`RateLimit-Policy\` in each reply report what is left.`,
    table(['Policy', 'Counts', 'Requests', 'Window'], rateRows),
    '## Calls to HOSTKEY',
    `Each call class has its own slots, in each replica. A caller has ${MAX_IN_FLIGHT} of them, and never more than half; ${MAX_WAITING} further calls wait until the deadline of the class, and any more get 429 \`rate-limited\` with the limit \`in-flight\`. A service of rate \`high\` has ten times as many. \`UPSTREAM_TIMEOUT_MS\` replaces the last two columns.`,
    table(['Class', 'Effects', 'Slots', 'For strangers', 'Wait', 'Timeout of the headers', 'Deadline'], classRows),
    'A caller that HOSTKEY has not accepted yet is a stranger: all strangers of one address count as one caller. `Wait` is the longest wait of a caller that holds no slot, because others use all of them; then it gets 503 `overloaded`.',
    `The circuit breaker of a class opens after ${CONSECUTIVE_FAILURES} failures in a row, or when ${FAILURE_RATE.share * 100} % of at least ${FAILURE_RATE.minCalls} calls in ${FAILURE_RATE.windowSeconds} s have failed, and a third of the active callers fails, at least ${EVIDENCE.minCallers}, or all where there are fewer. After ${CONSECUTIVE_FAILURES} failures in a row of one account its reads are paused. A circuit stays open for ${time(OPEN_MS.first)}, and for up to ${time(OPEN_MS.max)} after failed probes. Plans are cached for ${time(EXPIRY_MS)} and refreshed after ${time(FRESH_MS)}. An answer of HOSTKEY may have ${bytes(MIB)}, that to \`get_users\` ${bytes(actions.get_users.maxReplyBytes)}.`,
    '## Listeners',
    table(
      ['What', 'Maximum'],
      [
        ['request body', bytes(LISTENER.bodyLimit)],
        ['request body of a deletion of files', bytes(BODY_LIMIT)],
        ['request headers', bytes(LISTENER.http.maxHeaderSize)],
        ['URL', bytes(MAX_URL_LENGTH)],
        ['time until the headers have arrived', time(LISTENER.http.headersTimeout)],
        ['time until the request has arrived', time(LISTENER.requestTimeout)],
        ['idle time of a connection', '`KEEP_ALIVE_TIMEOUT_MS`'],
        ['requests on one connection', String(LISTENER.maxRequestsPerSocket)],
        ['connections to one address of the listener', String(MAX_CONNECTIONS)],
        ['connections of one client address, on a public listener', '`MAX_CONNECTIONS_PER_ADDRESS`'],
        [
          'streams of lines or events that a caller reads at the same time',
          `as many as are left of ${MAX_CONNECTIONS}: ${MAX_CONNECTIONS / 2} where no other caller reads any. Any more get 429 \`rate-limited\` with the limit \`streams\``
        ],
        ['time without progress of a stream that is not read', time(STREAM_IDLE_MS)],
        ['age of a stream of events; its reader then comes back', time(MAX_AGE_MS)],
        ['time until a stream of events ends whose session, or token of the gateway, has ended', time(CHECK_MS)]
      ]
    ),
    '## Names and pages',
    table(
      ['What', 'Limit'],
      [
        ['name of an account', characters(S3Uid)],
        ['name of a new bucket', characters(NewBucketName)],
        ['name of an existing bucket', characters(BucketName)],
        ['path of a file', `1 to ${bytes(MAX_PATH_BYTES)} of UTF-8`],
        ['`Idempotency-Key`', `${keyCharacters}, with or without quotation marks`],
        [
          'files and folders on a page',
          `1 to ${bound(FilesQuery.properties.limit, 'maximum')}; HOSTKEY returns ${MAX_KEYS} per call`
        ]
      ]
    ),
    '## Lifetimes',
    table(
      ['What', 'Lifetime'],
      [
        ['session without requests', time(IDLE_MS)],
        ['session', `${time(ABSOLUTE_MS)}, but not longer than HOSTKEY’s token`],
        ['sessions of one customer', `${MAX_PER_CUSTOMER} sessions; a new one ends the oldest`],
        ['`Idempotency-Key`, and the guard on its bucket name', time(KEY_MS)],
        ['order in the ledger', time(ORDER_MS)]
      ]
    )
  )
