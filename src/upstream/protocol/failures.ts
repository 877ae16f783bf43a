import type { Outcome, ProblemName } from '../../../schemas/problems.ts'
import { type Action, eitherOf, type FailurePattern, inOrder, matches, type Wording } from '../actions/action.ts'

/** A refusal that several actions share. */
interface CommonFailure {
  readonly problem: ProblemName
  readonly matches: FailurePattern
  readonly appliesTo: (action: Action) => boolean
}

const always = () => true
const takes = (param: string) => (action: Action) => param in action.params.properties
const needs = (param: string) => (action: Action) => action.params.required?.includes(param) ?? false
const writes = (action: Action) => action.effect === 'write' || action.effect === 'provision'
const creates = (action: Action) => /^create_/.test(action.name)
const both = (a: (action: Action) => boolean, b: (action: Action) => boolean) => (action: Action) =>
  a(action) && b(action)
const not = (a: (action: Action) => boolean) => (action: Action) => !a(action)

const common = (
  problem: ProblemName,
  wording: Wording,
  example: string,
  appliesTo: (action: Action) => boolean = always,
  outcome: Outcome = 'not-applied'
): CommonFailure => ({
  problem,
  matches: matches(wording, example, outcome),
  appliesTo
})

const MISSING = /not found|no such|NoSuch|does not exist|unknown (account|bucket|plan)/i

/** Refusals that any action can give, most certain first: UPSTREAM section 4, rows 11 to 19, then the guesses of 4.1. */
const table: readonly CommonFailure[] = [
  common(
    'account-not-found',
    /S3 account not found for this customer/i,
    'S3 account not found for this customer',
    takes('s3uid')
  ),
  common(
    'invalid-request',
    /^([a-z0-9]+\/[a-z0-9_]+: )?(invalid request|unknown action)|^Missing required keys/i,
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
  common('invalid-request', /^(?!payment )[a-z0-9_ ]+ required$|^empty [a-z]+$/i, 'Ticket id required'),
  common(
    'forbidden',
    /not authorized|permission|access ?denied|denied|forbidden|not allowed|no permissions/i,
    'Permission denied'
  ),
  common(
    'upstream-storage-error',
    /InvalidAccessKeyId|SignatureDoesNotMatch/i,
    'InvalidAccessKeyId',
    always,
    'unknown'
  ),
  common('file-not-found', MISSING, 'NoSuchKey', needs('filename')),
  common('bucket-not-found', MISSING, 'NoSuchBucket', both(needs('bucket_name'), not(creates))),
  common('account-not-found', MISSING, 'account does not exist', takes('s3uid')),
  common('bucket-not-empty', /not empty|NotEmpty/i, 'BucketNotEmpty', takes('bucket_name')),
  common('bucket-exists', /already|exists|duplicate/i, 'BucketAlreadyExists', creates),
  // An invoice or an order may stay behind, as with `issue service paid`.
  common(
    'payment-required',
    /credit|balance|paid|unpaid|payment|invoice|overdue|suspend/i,
    'unpaid invoice',
    always,
    'unknown'
  ),
  common('limit-reached', /limit|quota|exceed|too many/i, 'quota exceeded', writes),
  common(
    'invalid-bucket-name',
    eitherOf(/InvalidBucketName/i, inOrder(/invalid|incorrect|wrong/i, /bucket/i)),
    'InvalidBucketName',
    creates
  ),
  // How far HOSTKEY had come when it gave up is not said.
  common(
    'upstream-throttled',
    /SlowDown|throttl|try again|temporar|queue|rmq|rabbit|unavailable/i,
    'SlowDown',
    always,
    'unknown'
  ),
  common('upstream-timeout', /time.?out/i, 'timeout', always, 'unknown')
]

/**
 * How an action can refuse, in the order in which the texts are tried; the first that matches wins:
 * its own failures, those common to all, and last the bare prefixes.
 */
export const refusalsOf = (action: Action): { problem: ProblemName; matches: FailurePattern }[] => {
  // The keys are problem names by the type of Failures; Object.entries keeps the order of declaration.
  const own = Object.entries(action.failures).map(([problem, matches]) => ({
    problem: problem as ProblemName,
    matches
  }))
  return [
    ...own.filter(row => !row.matches.last),
    ...table.filter(row => row.appliesTo(action)),
    ...own.filter(row => row.matches.last)
  ]
}

/** Problems that a call of any action can end in, whatever HOSTKEY says. */
const OF_THE_WIRE: ProblemName[] = [
  'upstream-refused',
  'upstream-bad-response',
  'upstream-unreachable',
  'upstream-throttled',
  'upstream-timeout',
  'upstream-unavailable'
]

/** Whatever keeps HOSTKEY from answering a login must not look like a wrong credential: `upstream-unavailable` instead. */
export const UNANSWERED = [
  'upstream-unreachable',
  'upstream-timeout',
  'upstream-bad-response',
  'upstream-throttled'
] as const satisfies ProblemName[]

/** Every problem that calling the action can cause. */
export const problemsOf = (action: Action): ProblemName[] => {
  const names = new Set([...refusalsOf(action).map(row => row.problem), ...action.hides, ...OF_THE_WIRE])
  if (action.effect === 'login') for (const name of UNANSWERED) names.delete(name)
  return [...names]
}
