import { Type } from 'typebox'
import { Amount, action, MIB, matches } from './action.ts'

/** First in each list: the text after the colon can be that of any other failure (documented). */
const createdWithError = matches(
  /^S3 account was created, but had an error/i,
  'S3 account was created, but had an error: ...',
  'partial'
)

/** The text that is documented for `history`, and similar ones (assumed). */
const noSuchPlan = matches(/plan (not found|does not exist)|(no such|unknown) plan/i, 'Plan not found')

const NewAccount = { plan_id: Type.Integer(), bucket_name: Type.String(), location: Type.String() }

/** s3/get_users: the accounts of the customer. `order` is the field to sort by, `order_by` the direction. */
export const getUsers = action({
  name: 'get_users',
  effect: 'read',
  // The accounts of all customers, for an admin; the vendor's own clients have this limit.
  maxReplyBytes: 8 * MIB,
  params: Type.Object({
    id: Type.Optional(Type.Integer()),
    plan_id: Type.Optional(Type.Integer()),
    s3uid: Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    billing: Type.Optional(Type.String()),
    bucket_name: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Integer()),
    order: Type.Optional(Type.String()),
    order_by: Type.Optional(Type.Enum(['ASC', 'DESC'])),
    period_from: Type.Optional(Type.String()),
    period_to: Type.Optional(Type.String())
  }),
  result: Type.Object({
    s3_users: Type.Array(
      Type.Object({
        id: Type.Optional(Type.Integer({ minimum: 0 })),
        s3uid: Type.String(),
        email: Type.Optional(Type.String({ minLength: 1 })),
        plan_id: Type.Optional(Type.Integer({ minimum: 1 })),
        location: Type.Optional(Type.String({ minLength: 1 })),
        quota: Type.Optional(Amount),
        traffic: Type.Optional(Amount),
        storage_usage: Type.Optional(Amount)
      })
    )
  }),
  example: {
    s3_users: [
      {
        id: 123,
        s3uid: 's3_user_123',
        email: 'customer@example.com',
        plan_id: 5,
        location: 'NL',
        quota: 5368709120,
        traffic: 102400,
        storage_usage: 1024000000
      }
    ]
  },
  failures: {
    'customer-not-found': matches(/customer not found/i, 'customer not found')
  }
})

/** s3/create_account: a free account with its first bucket. Some editions of the vendor page say that it bills. */
export const createAccount = action({
  name: 'create_account',
  effect: 'provision',
  params: Type.Object(NewAccount),
  result: Type.Object({ s3uid: Type.String({ minLength: 1 }) }),
  example: { s3uid: 's3_user_12345' },
  failures: {
    'account-state-unknown': createdWithError,
    'payment-required': matches(/^issue service paid/i, 'issue service paid', 'unknown'),
    'plan-not-orderable': noSuchPlan,
    'limit-reached': matches(/account limit|limit reached/i, 'S3 free account limit reached')
  }
})

/** s3/create_order: a paid account with its first bucket. It bills; HOSTKEY has no idempotency key. */
export const createOrder = action({
  name: 'create_order',
  effect: 'provision',
  params: Type.Object(NewAccount),
  result: Type.Object({ s3uid: Type.String({ minLength: 1 }) }),
  example: { s3uid: 's3_user_67890' },
  failures: {
    'account-state-unknown': createdWithError,
    'payment-required': matches(/^issue service paid/i, 'issue service paid', 'unknown'),
    'plan-not-orderable': noSuchPlan
  }
})

/** s3/delete_account: the account with all its buckets and files. */
export const deleteAccount = action({
  name: 'delete_account',
  effect: 'provision',
  params: Type.Object({ s3uid: Type.String() }),
  result: Type.Object({ message: Type.Optional(Type.Unknown()) }),
  example: { message: null },
  failures: {
    'account-not-found': matches(/account not found|no such account/i, 'S3 account not found for this customer'),
    'upstream-storage-error': matches(/^Delete S3 account error:/i, 'Delete S3 account error: ...', 'unknown')
  }
})
