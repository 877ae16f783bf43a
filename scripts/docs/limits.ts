import { FilesQuery } from '../../schemas/files.ts'
import { BucketName, IdempotencyKey, NewBucketName, S3Uid } from '../../schemas/scalars.ts'
import { ABSOLUTE_MS, IDLE_MS, MAX_PER_CUSTOMER } from '../../src/auth/session-records.ts'
import { settings } from '../../src/config/settings.ts'
import { KEY_MS, ORDER_MS } from '../../src/domain/orders/ledger/ledger.ts'
import { MAX_PATH_BYTES } from '../../src/domain/storage/files.ts'
import { LISTENER, MAX_CONNECTIONS } from '../../src/http/listener.ts'
import { MAX_URL_LENGTH } from '../../src/http/plugins/guard.ts'
import { MAX_IN_FLIGHT } from '../../src/http/plugins/in-flight.ts'
import {
  ADDRESS,
  CALLER,
  CLASSES,
  LOGIN_ADDRESS,
  LOGIN_CREDENTIAL,
  mostOf,
  type Policy
} from '../../src/http/plugins/rate-limits.ts'
import type { Effect } from '../../src/upstream/actions/action.ts'
import { MAX_KEYS } from '../../src/upstream/actions/files.ts'
import { MAX_BODY_BYTES } from '../../src/upstream/protocol/decompression.ts'
import { EXPIRY_MS, FRESH_MS } from '../../src/upstream/resilience/cache.ts'
import { type CallClass, classOf } from '../../src/upstream/resilience/call-classes.ts'
import { CONSECUTIVE_FAILURES, FAILURE_RATE, OPEN_MS } from '../../src/upstream/resilience/circuit-breaker.ts'
import { code, page, table } from './markdown.ts'

const UNITS: readonly [string, number][] = [
  ['d', 24 * 3_600_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000]
]

/** In the largest unit of which it is a whole number. */
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

const policyRow = (who: string, { name, share, windows }: Policy): string[] => [
  code(name),
  who,
  String(mostOf(share, MAX)),
  time(WINDOW_MS * windows)
]

const rateRows = [
  policyRow('every request, by address', ADDRESS),
  policyRow('every request of a caller', CALLER),
  ...Object.entries(CLASSES).flatMap(([rate, policies]) =>
    policies.map(policy => policyRow(`operations of class ${code(rate)}, by caller`, policy))
  ),
  policyRow('logins, by address', LOGIN_ADDRESS),
  policyRow('logins, by credential', LOGIN_CREDENTIAL)
]

/** The classes with the effects that each serves. */
const classRows = [...Map.groupBy(Object.entries(classOf) as [Effect, CallClass][], ([, each]) => each)].map(
  ([each, effects]) => [
    code(each.name),
    effects.map(([effect]) => code(effect)).join(', '),
    String(each.slots),
    `${each.queueSize}, for ${time(each.maxWaitMs)}`,
    time(each.headersTimeoutMs),
    time(each.deadlineMs)
  ]
)

/** A bound that a schema states; the type of a schema leaves open which it has. */
const bound = (schema: object, name: 'minLength' | 'maxLength' | 'maximum'): number =>
  Number((schema as Record<string, unknown>)[name])

const characters = (schema: object) => `${bound(schema, 'minLength')} to ${bound(schema, 'maxLength')} characters`

/** Quotation marks around it may come on top. */
const keyCharacters = `${bound(IdempotencyKey, 'minLength')} to ${bound(IdempotencyKey, 'maxLength') - 2} characters`

export const limitsPage = (): string =>
  page(
    'Limits',
    'the limits in `src/`, `routes/` and `schemas/`',
    'Every wait has an end and every buffer a bound. Where a limit is met the reply says so: 429 `rate-limited`, 503 `overloaded`, or a 4xx with its name.',
    '## Requests',
    `With the default settings; all scale with \`RATE_LIMIT_MAX\` and \`RATE_LIMIT_WINDOW_MS\`, and a service of rate \`high\` has ten times as much. \`RateLimit\` and \`RateLimit-Policy\` of each reply say what is left.`,
    table(['Policy', 'Counts', 'Requests', 'In'], rateRows),
    `A session has at most ${MAX_IN_FLIGHT} requests in flight at once.`,
    '## Calls of HOSTKEY',
    'Each class of calls has slots and a queue of its own, in each replica. `UPSTREAM_TIMEOUT_MS` replaces the last two columns.',
    table(['Class', 'Effects', 'At once', 'Waiting', 'Until the headers', 'In all'], classRows),
    `The circuit breaker of a class opens after ${CONSECUTIVE_FAILURES} failures in a row, or when ${FAILURE_RATE.share * 100} % of at least ${FAILURE_RATE.minCalls} calls in ${FAILURE_RATE.windowSeconds} s have failed: for ${time(OPEN_MS.first)} at first, for up to ${time(OPEN_MS.max)} after failed probes. Plans are cached for ${time(EXPIRY_MS)}, and read anew after ${time(FRESH_MS)}. An answer of HOSTKEY has at most ${bytes(MAX_BODY_BYTES)}.`,
    '## The listeners',
    table(
      ['What', 'At most'],
      [
        ['body of a request', bytes(LISTENER.bodyLimit)],
        ['its headers', bytes(LISTENER.http.maxHeaderSize)],
        ['its URL', bytes(MAX_URL_LENGTH)],
        ['until its headers are here', time(LISTENER.http.headersTimeout)],
        ['until all of it is here', time(LISTENER.requestTimeout)],
        ['an idle connection', time(LISTENER.keepAliveTimeout)],
        ['requests on one connection', String(LISTENER.maxRequestsPerSocket)],
        ['connections', String(MAX_CONNECTIONS)]
      ]
    ),
    '## Names and pages',
    table(
      ['What', 'Limit'],
      [
        ['name of an account', characters(S3Uid)],
        ['name of a new bucket', characters(NewBucketName)],
        ['name of a bucket that exists', characters(BucketName)],
        ['path of a file', `1 to ${bytes(MAX_PATH_BYTES)} of UTF-8`],
        ['`Idempotency-Key`', `${keyCharacters}, between quotation marks or not`],
        [
          'files and folders on a page',
          `1 to ${bound(FilesQuery.properties.limit, 'maximum')}; HOSTKEY gives ${MAX_KEYS} at a time`
        ]
      ]
    ),
    '## Lives',
    table(
      ['What', 'Lives for'],
      [
        ['a session without requests', time(IDLE_MS)],
        ['a session', `${time(ABSOLUTE_MS)}, and no longer than HOSTKEY’s token`],
        ['sessions of one customer', `${MAX_PER_CUSTOMER}; a new one ends the oldest`],
        ['an `Idempotency-Key`, and the wish for a bucket name', time(KEY_MS)],
        ['an order in the ledger', time(ORDER_MS)]
      ]
    )
  )
