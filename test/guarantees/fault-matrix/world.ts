import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../../src/upstream/actions/sessions.ts'

/** The write that was executed, if any: what is read afterwards shows it. */
export type World = ActionName | undefined

/** What the cells ask for and delete; all but the last two are in the documented examples. */
export const there = { s3uid: 's3_user_123', bucket: 'bucket-1', path: 'folder/file.txt' }
export const made = { bucket: 'made-bucket', freePlan: 1, paidPlan: 2 }

type Payload = Record<string, unknown>
type Payloads = { readonly [A in ActionName]?: Payload }

const [freePlan] = actions.list_plans.example.plans
const { next_token: _, ...lastPage } = actions.get_files.example

/** Where an example alone would not do: a plan to be ordered, and a list that ends. */
const asked: Payloads = {
  list_plans: {
    plans: [freePlan, { ...freePlan, id: made.paidPlan, name: 'Paid Plan', monthly_eur: 5, price: { monthly_eur: 5 } }]
  },
  get_files: lastPage
}

const accountsWith = (s3uid: string, plan_id: number): Payload => ({
  s3_users: [...actions.get_users.example.s3_users, { s3uid, plan_id, location: 'NL' }]
})

const bucketsWithMade: Payload = {
  ...actions.get_buckets.example,
  message: [...actions.get_buckets.example.message, { name: made.bucket }]
}

/** What is read once a write was executed. */
const afterwards: { readonly [A in ActionName]?: Payloads } = {
  create_bucket: { get_buckets: bucketsWithMade },
  create_account: {
    get_users: accountsWith(actions.create_account.example.s3uid, made.freePlan),
    get_buckets: bucketsWithMade
  },
  create_order: {
    get_users: accountsWith(actions.create_order.example.s3uid, made.paidPlan),
    get_buckets: bucketsWithMade
  },
  delete_bucket: { get_buckets: { message: [] }, get_buckets_rmq: { message: [] } },
  delete_file: { get_files: { files: [], folders: [] } },
  delete_account: { get_users: { s3_users: [] } }
}

/** What an action answers when it succeeds, without `result` and `action`. */
export const payloadOf = (action: ActionName, world?: World): Payload => ({
  ...(world && afterwards[world]?.[action]),
  ...(!(world && afterwards[world]?.[action]) && (asked[action] ?? actions[action].example))
})

export const okBody = (action: ActionName, world?: World): Buffer =>
  Buffer.from(JSON.stringify({ result: 'OK', action, ...payloadOf(action, world) }))

const { token_expire: __, ...identity } = tokenInfo.example

/** auth.php always knows the token. */
export const authReply: Buffer = Buffer.from(JSON.stringify({ result: identity }))
