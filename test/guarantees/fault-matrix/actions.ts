import type { Outcome, ProblemName } from '../../../schemas/problems.ts'
import { isWrite } from '../../../src/upstream/actions/action.ts'
import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { actionNames, type SampleRequest, sampleRequest } from '../../support/harness/action-requests.ts'

/** The resources of the documented examples, by the parameter names of the requests. */
const s3uid = 's3_user_123'
const resources = { s3uid, 'confirm-delete': s3uid, bucket: 'bucket-1', path: 'folder/file.txt', planId: 1 }

/** The request that leads to each action. */
const requests = new Map(actionNames.map(name => [name, sampleRequest(name, resources)]))

/** @throws TypeError for the name of no action */
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

/**
 * What a success contains: `members` that the action declares · `list`: the member `message` is the list · `status`: the
 * storage's status in `message` · `nothing` that the gateway reads.
 */
type Content = 'members' | 'list' | 'status' | 'nothing'

interface Read {
  content: Content
  /** The answer, where the documented example would not do. */
  payload?: Payload
}

interface Write extends Read {
  endings: Endings
  /** What HOSTKEY answers to reads after it has executed the write. */
  afterwards: Payloads
}

const unknown: Ending = { outcome: 'unknown' }

/** Verified by reading when the answer is lost. What is still there after an answer of PHP was not deleted. */
const deletion: Endings = {
  executed: { status: 204 },
  untouched: { problem: 'upstream-bad-response', outcome: 'not-applied' },
  silent: { problem: 'upstream-timeout', outcome: 'unknown' },
  refused: unknown
}

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
  list_plans: { content: 'members', payload: { plans: [freePlan, { ...freePlan, ...paidPlan }] } },
  history: { content: 'members' },
  get_buckets: { content: 'list' },
  get_buckets_rmq: { content: 'list' },
  get_files: { content: 'members', payload: lastPage },
  get_users: { content: 'members' },
  show_key: { content: 'members' },
  create_bucket: {
    content: 'status',
    endings: creation,
    afterwards: { get_buckets: bucketsWith(bodyOf('create_bucket')['name']) }
  },
  delete_bucket: {
    content: 'nothing',
    endings: deletion,
    afterwards: { get_buckets: { message: [] }, get_buckets_rmq: { message: [] } }
  },
  delete_file: { content: 'nothing', endings: deletion, afterwards: { get_files: { files: [], folders: [] } } },
  create_account: { content: 'members', endings: creation, afterwards: accountWith('create_account') },
  create_order: {
    content: 'members',
    // 202: the order is in the ledger, with the problem and an unknown outcome.
    endings: { executed: { status: 201 }, untouched: { status: 202 }, refused: { status: 202 } },
    afterwards: accountWith('create_order')
  },
  delete_account: { content: 'nothing', endings: deletion, afterwards: { get_users: { s3_users: [] } } }
}

/** The row of a write; undefined for a read. @throws TypeError when the row does not fit the effect of the action */
export const writeOf = (action: ActionName): Write | undefined => {
  const row = expectations[action]
  if (isWrite(actions[action]) !== 'endings' in row) {
    throw new TypeError(`fault-matrix/actions.ts: \`endings\` of ${action} must be there exactly if it is a write`)
  }
  return 'endings' in row ? row : undefined
}
