import type { Outcome, ProblemName } from '../../../schemas/problems.ts'
import {
  type Action,
  eitherOf,
  type FailurePattern,
  inOrder,
  isWrite,
  matches,
  type Wording
} from '../actions/action.ts'

type Condition = (action: Action) => boolean

/** A failure that several actions share. */
interface CommonFailure {
  readonly problem: ProblemName
  readonly pattern: FailurePattern
  readonly appliesTo: Condition
}

const anyAction: Condition = () => true
const hasParam =
  (param: string): Condition =>
  action =>
    param in action.params.properties
const requiresParam =
  (param: string): Condition =>
  action =>
    action.params.required?.includes(param) ?? false
const isCreate: Condition = ({ name }) => name.startsWith('create_')
const isDeletion: Condition = ({ name }) => name === 'delete_bucket' || name === 'delete_account'

const common = (
  problem: ProblemName,
  wording: Wording,
  example: string,
  appliesTo: Condition = anyAction,
  outcome: Outcome = 'not-applied'
): CommonFailure => ({ problem, pattern: matches(wording, example, outcome), appliesTo })

const MISSING = /not found|no such|NoSuch|does not exist|unknown (account|bucket|plan)/i

const INVALID_REQUEST = /^([a-z0-9]+\/[a-z0-9_]+: )?(invalid request|unknown action)|^Missing required keys/i
const WHOLE_INVALID_REQUEST =
  /^(?:(?:s3|auth)\/[a-z_]{1,40}: )?(?:invalid request|unknown action)$|^Missing required keys: [a-z0-9_]{1,32}(?:, ?[a-z0-9_]{1,32}){0,9}$/i

/**
 * Failures that any action may have; the first match wins, so the most certain come first. Texts up to `forbidden` are
 * documented or observed, those below are assumed from the words that storages and billing systems use.
 */
const commonFailures: readonly CommonFailure[] = [
  common(
    'account-not-found',
    /S3 account not found for this customer/i,
    'S3 account not found for this customer',
    hasParam('s3uid')
  ),
  common(
    'invalid-request',
    {
      test: text => INVALID_REQUEST.test(text),
      covers: text => WHOLE_INVALID_REQUEST.test(text)
    },
    's3/action: invalid request'
  ),
  common(
    'invalid-token',
    eitherOf(
      /invalid token|token expired|token is invalid|session expired|invalid hash|authorization required|^unauthorized|authentication failed/i,
      inOrder(/invalid|expired|wrong|bad/i, /token|session|hash/i)
    ),
    'Invalid token'
  ),
  common(
    'invalid-request',
    {
      test: text => /^(?!payment )[a-z0-9_ ]+ required$|^empty [a-z]+$/i.test(text),
      covers: text => /^(?:[a-z0-9_]{1,32} ){1,3}required$|^empty [a-z]{1,32}$/i.test(text)
    },
    'Ticket id required'
  ),
  common(
    'forbidden',
    /not authorized|permission|access ?denied|denied|forbidden|not allowed|no permissions/i,
    'Permission denied'
  ),
  // HOSTKEY's own storage keys are out of date: neither the caller's token nor its rights.
  common(
    'upstream-storage-error',
    /InvalidAccessKeyId|SignatureDoesNotMatch/i,
    'InvalidAccessKeyId',
    anyAction,
    'unknown'
  ),
  common('file-not-found', MISSING, 'NoSuchKey', requiresParam('filename')),
  common(
    'bucket-not-found',
    MISSING,
    'NoSuchBucket',
    action => requiresParam('bucket_name')(action) && !isCreate(action)
  ),
  common('account-not-found', MISSING, 'account does not exist', hasParam('s3uid')),
  common('bucket-not-empty', /not empty|NotEmpty/i, 'BucketNotEmpty', isDeletion),
  common('bucket-exists', /already|exists|duplicate/i, 'BucketAlreadyExists', isCreate),
  // HOSTKEY may leave an invoice or an order behind, as after `issue service paid`.
  common(
    'payment-required',
    /credit|balance|paid|unpaid|payment|invoice|overdue|suspend/i,
    'unpaid invoice',
    anyAction,
    'unknown'
  ),
  common('limit-reached', /limit|quota|exceed|too many/i, 'quota exceeded', isWrite),
  common(
    'invalid-bucket-name',
    eitherOf(/InvalidBucketName/i, inOrder(/invalid|incorrect|wrong/i, /bucket/i)),
    'InvalidBucketName',
    isCreate
  ),
  // The text does not say how far HOSTKEY had come.
  common(
    'upstream-throttled',
    /SlowDown|throttl|try again|temporar|queue|rmq|rabbit|unavailable/i,
    'SlowDown',
    anyAction,
    'unknown'
  ),
  common('upstream-timeout', /time.?out/i, 'timeout', anyAction, 'unknown')
]

/** How an action can fail, in the order of matching: its own failures, the common ones, its bare prefixes. */
export const refusalsOf = (action: Action): { problem: ProblemName; pattern: FailurePattern }[] => {
  // The keys are problem names by the type of Failures; Object.entries keeps the order of declaration.
  const own = Object.entries(action.failures).map(([problem, pattern]) => ({
    problem: problem as ProblemName,
    pattern
  }))
  return [
    ...own.filter(({ pattern }) => !pattern.last),
    ...commonFailures.filter(({ appliesTo }) => appliesTo(action)),
    ...own.filter(({ pattern }) => pattern.last)
  ]
}

/** Problems that a call of any action can end in, whatever HOSTKEY answers. */
const CALL_PROBLEMS: readonly ProblemName[] = [
  'upstream-refused',
  'upstream-bad-response',
  'upstream-unreachable',
  'upstream-throttled',
  'upstream-timeout',
  'upstream-unavailable'
]

/** Problems that say nothing about a credential; a login reports them as `upstream-unavailable`. */
export const UNANSWERED = [
  'upstream-unreachable',
  'upstream-timeout',
  'upstream-bad-response',
  'upstream-throttled'
] as const satisfies ProblemName[]

/** Every problem that a call of the action can end in. */
export const problemsOf = (action: Action): ProblemName[] => {
  const declared = refusalsOf(action).map(({ problem }) => problem)
  const names = new Set([...declared, ...action.refusalsInSuccess, ...CALL_PROBLEMS])
  if (action.script === 'auth.php') for (const name of UNANSWERED) names.delete(name)
  return [...names]
}
