import type { Outcome, ProblemName } from '../../../schemas/problems.ts'
import { isWrite } from '../../../src/upstream/actions/action.ts'
import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { actionNames, type SampleRequest, sampleRequest } from '../../support/harness/action-requests.ts'

/** The resources of the documented examples, by the parameter names of the requests. */
const s3uid = 's3_user_123'
const resources = { s3uid, 'confirm-delete': s3uid, bucket: 'bucket-1', path: 'folder/file.txt', planId: 1 }

/** The request that leads to each action. */
const requests = new Map(actionNames.map(name => [name, sampleRequest(name, resources)]))

/** @throws TypeError for an unknown action */
export const requestFor = (action: ActionName): SampleRequest => {
  const request = requests.get(action)
  if (!request) throw new TypeError(`${action} has no request`)
  return request
}

export type Payload = Readonly<Record<string, unknown>>
type Payloads = { readonly [A in ActionName]?: Payload }

/** How a write ends: a success, or the problem that the fault leads to (or another), with the outcome of the write. */
export type Ending = { status: 200 | 201 | 202 | 204 } | { outcome: Outcome; problem?: ProblemName }

/** How a write may end whose answer cannot be used. */
export interface Endings {
  /** HOSTKEY has executed it, so that a read shows it. */
  executed: Ending
  /** HOSTKEY has not executed it. */
  untouched: Ending
  /** HOSTKEY has not executed it, and does not answer. Default: as `untouched`. */
  silent?: Ending
  /** HOSTKEY refuses it with an unknown text. */
  refused: Ending
}

/** The gateway can use the answer · as one without content · not at all. */
type Reading = 'success' | 'empty' | 'unreadable'

/** How the gateway reads an answer whose `message` differs from the example, or that lacks all members. */
export interface Readings {
  'missing keys': Reading
  'deep 10,000': Reading
  'message: object': Reading
  'message: array': Reading
  'message: null': Reading
}

/** The gateway reads other members than `message`. */
const others: Readings = {
  'missing keys': 'unreadable',
  'deep 10,000': 'unreadable',
  'message: object': 'success',
  'message: array': 'success',
  'message: null': 'success'
}
/** The gateway reads nothing: `message` is for people, or null (documented). */
const nothing: Readings = { ...others, 'missing keys': 'success', 'deep 10,000': 'success' }
/** `message` may hold a day; without it the success is the same but for the day. */
const dateless: Readings = {
  'missing keys': 'empty',
  'deep 10,000': 'empty',
  'message: object': 'empty',
  'message: array': 'empty',
  'message: null': 'empty'
}
/** `message` is a list; PHP prints null for an empty one. */
const list: Readings = {
  ...others,
  'message: object': 'unreadable',
  'message: array': 'unreadable',
  'message: null': 'empty'
}
/** `message` may hold the status of the storage. */
const status: Readings = {
  ...others,
  'missing keys': 'success',
  'message: object': 'unreadable',
  'message: array': 'unreadable'
}

interface Read {
  reads: Readings
  /** The answer, if the documented example is not suitable. */
  payload?: Payload
}

interface Write extends Read {
  endings: Endings
  /** What HOSTKEY answers to reads after it has executed the write. */
  afterwards: Payloads
}

const unknown: Ending = { outcome: 'unknown' }

/** Verified by reading when the answer is lost. A target that still exists after an answer of PHP was not deleted. */
const deletion: Endings = {
  executed: { status: 204 },
  untouched: { problem: 'upstream-bad-response', outcome: 'not-applied' },
  silent: { problem: 'upstream-timeout', outcome: 'unknown' },
  refused: unknown
}

/** No read shows what became of it. */
const unverifiable: Endings = { executed: unknown, untouched: unknown, refused: unknown }

/** Found by reading when the answer is lost. */
const creation: Endings = { executed: { status: 201 }, untouched: unknown, refused: unknown }

const bodyOf = (action: ActionName) => requestFor(action).body ?? {}

const bucketsWith = (name: unknown): Payload => ({
  ...actions.get_buckets.example,
  message: [...actions.get_buckets.example.message, { name }]
})

const accountWith = (action: 'create_account' | 'create_order'): Payloads => ({
  get_users: {
    s3_users: [
      ...actions.get_users.example.s3_users,
      { s3uid: actions[action].example.s3uid, plan_id: bodyOf(action)['planId'], location: 'NL' }
    ]
  },
  get_buckets: bucketsWith(bodyOf(action)['bucketName'])
})

const [freePlan] = actions.list_plans.example.plans
const paidPlan = { id: bodyOf('create_order')['planId'], name: 'Paid Plan', monthly_eur: 5, price: { monthly_eur: 5 } }
const { next_token: _, ...lastPage } = actions.get_files.example

/** What the matrix expects of each action: one row for each, with `endings` and `afterwards` for a write. */
export const expectations: Readonly<Record<ActionName, Read | Write>> = {
  list_plans: { reads: others, payload: { plans: [freePlan, { ...freePlan, ...paidPlan }] } },
  history: { reads: others },
  get_buckets: { reads: list },
  get_buckets_rmq: { reads: list },
  get_files: { reads: others, payload: lastPage },
  get_users: { reads: others },
  show_key: { reads: others },
  create_bucket: {
    reads: status,
    endings: creation,
    afterwards: { get_buckets: bucketsWith(bodyOf('create_bucket')['name']) }
  },
  delete_bucket: {
    reads: nothing,
    endings: deletion,
    afterwards: { get_buckets: { message: [] }, get_buckets_rmq: { message: [] } }
  },
  delete_file: { reads: nothing, endings: deletion, afterwards: { get_files: { files: [], folders: [] } } },
  create_account: { reads: others, endings: creation, afterwards: accountWith('create_account') },
  create_order: {
    reads: others,
    // 202: the order is in the ledger, with the problem and an unknown outcome.
    endings: { executed: { status: 201 }, untouched: { status: 202 }, refused: { status: 202 } },
    afterwards: accountWith('create_order')
  },
  delete_account: { reads: nothing, endings: deletion, afterwards: { get_users: { s3_users: [] } } },
  delete_payment_account: { reads: dateless, endings: unverifiable, afterwards: {} },
  cancel_payment_account_deletion: { reads: nothing, endings: unverifiable, afterwards: {} }
}

/** The row of a write; undefined for a read. @throws TypeError when the row does not fit the effect of the action */
export const writeOf = (action: ActionName): Write | undefined => {
  const row = expectations[action]
  if (isWrite(actions[action]) !== 'endings' in row) {
    throw new TypeError(`fault-matrix/actions.ts: \`endings\` of ${action} must be there exactly if it is a write`)
  }
  return 'endings' in row ? row : undefined
}
