import { type Static, Type } from 'typebox'
import { model, oneOf, ref, told } from './model.ts'
import {
  BucketName,
  Bytes,
  CustomerId,
  Day,
  Location,
  NewBucketName,
  PlanId,
  S3Uid,
  SearchText,
  Text,
  Traffic
} from './scalars.ts'
import { Warning } from './warnings.ts'

export type Account = Static<typeof Account>
export const Account = model('Account', 'An S3 account: it owns buckets and one key pair.', {
  s3uid: S3Uid,
  id: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Number of the account at HOSTKEY.' })
  ),
  email: Type.Optional(Text(320, 'E-mail address of the customer.')),
  planId: Type.Optional(told(PlanId, 'Number of its plan, as in `GET /plans`.')),
  location: Type.Optional(told(Location, 'Region code of where its data lies.')),
  quotaBytes: Type.Optional(told(Bytes, 'How many bytes it may hold.')),
  storageBytes: Type.Optional(told(Bytes, 'How many bytes it holds.')),
  traffic: Type.Optional(Traffic)
})

export type AccountList = Static<typeof AccountList>
export const AccountList = model('AccountList', 'Accounts of the customer.', {
  items: Type.Array(ref(Account), { maxItems: 100000, description: 'The accounts.' }),
  truncated: Type.Boolean({ description: 'True when the list is as long as `limit`: there may be more.' })
})

const sortable = ['id', 's3uid', 'email', 'planId', 'location', 'quotaBytes', 'storageBytes', 'traffic'] as const

/** A field of Account by which a list can be sorted. */
export type AccountField = (typeof sortable)[number]

export const AccountQuery = Type.Object(
  {
    planId: Type.Optional(told(PlanId, 'Only accounts of this plan.')),
    s3uid: Type.Optional(told(S3Uid, 'Only this account.')),
    bucketName: Type.Optional(SearchText(255, 'Only the account that owns this bucket.')),
    location: Type.Optional(told(Location, 'Only accounts at this location.')),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'At most so many accounts.' })),
    sort: Type.Optional(
      oneOf([...sortable, ...sortable.map(field => `-${field}` as const)], {
        description: 'Sort by this field, ascending; descending with a hyphen before it.'
      })
    ),
    periodFrom: Type.Optional(
      told(
        Day,
        'First day of a period, `YYYY-MM-DD`. Passed to HOSTKEY as it is: what the period limits is not documented.'
      )
    ),
    periodTo: Type.Optional(told(Day, 'Last day of that period, `YYYY-MM-DD`.')),
    customerId: Type.Optional(Type.Integer({ ...CustomerId, description: 'Admin only: accounts of this customer.' })),
    email: Type.Optional(SearchText(320, 'Admin only: accounts of the customer with this e-mail address.')),
    billing: Type.Optional(SearchText(64, 'Admin only: accounts of this billing.'))
  },
  { additionalProperties: false }
)

export const AccountPath = Type.Object({ s3uid: S3Uid }, { additionalProperties: false })

export type NewAccount = Static<typeof NewAccount>
export const NewAccount = model('NewAccount', 'A free account with its first bucket.', {
  planId: told(PlanId, 'Number of a free plan of `GET /plans`.'),
  bucketName: NewBucketName,
  location: Type.Optional(told(Location, 'One of the `locations` of the plan; NL when left out.'))
})

export type CreatedAccount = Static<typeof CreatedAccount>
export const CreatedAccount = model('CreatedAccount', 'An account that was made, with its first bucket.', {
  s3uid: S3Uid,
  planId: told(PlanId, 'Number of its plan.'),
  location: told(Location, 'Region code of where its data lies.'),
  bucket: Type.Union([BucketName, Type.Null()], {
    description: 'Actual name of the first bucket; null when there is none, or none was seen yet.'
  }),
  warnings: Type.Array(ref(Warning), { maxItems: 10, description: 'Empty when all went well.' })
})
