import { type Static, Type } from 'typebox'
import { describe, model, oneOf, ref } from './model.ts'
import { ConfirmDelete } from './parameters.ts'
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
  Traffic,
  WholeNumber
} from './scalars.ts'
import { Warning } from './warnings.ts'

export type Account = Static<typeof Account>
export const Account = model('Account', 'An S3 account: it owns buckets and one key pair.', {
  s3uid: S3Uid,
  id: Type.Optional(describe(WholeNumber, 'Number of the account at HOSTKEY.')),
  email: Type.Optional(Text(320, 'E-mail address of the customer.')),
  planId: Type.Optional(describe(PlanId, 'Number of its plan: `id` in `GET /plans`.')),
  location: Type.Optional(describe(Location, 'Region code of the place where its data is stored.')),
  quotaBytes: Type.Optional(describe(Bytes, 'Storage quota, in bytes.')),
  storageBytes: Type.Optional(describe(Bytes, 'Storage used, in bytes.')),
  traffic: Type.Optional(Traffic)
})

/** 100,000: of what HOSTKEY lists beyond, nothing is read. */
export const MAX_ACCOUNTS = 100_000

export type AccountList = Static<typeof AccountList>
export const AccountList = model('AccountList', 'Accounts of the customer.', {
  items: Type.Array(ref(Account), { maxItems: MAX_ACCOUNTS, description: 'The accounts.' }),
  truncated: Type.Boolean({
    description: 'True when the list has reached `limit`, or 100,000 accounts: there may be more.'
  })
})

const sortable = ['id', 's3uid', 'email', 'planId', 'location', 'quotaBytes', 'storageBytes', 'traffic'] as const

/** A member of Account by which a list can be sorted. */
export type AccountField = (typeof sortable)[number]

export const AccountQuery = Type.Object(
  {
    planId: Type.Optional(describe(PlanId, 'Only accounts of this plan.')),
    s3uid: Type.Optional(describe(S3Uid, 'Only this account.')),
    bucketName: Type.Optional(SearchText(255, 'Only the account that owns this bucket.')),
    location: Type.Optional(describe(Location, 'Only accounts at this location.')),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'Maximum number of accounts in the reply.' })
    ),
    sort: Type.Optional(
      oneOf([...sortable, ...sortable.map(field => `-${field}` as const)], {
        description: 'Member to sort by, ascending; with a leading hyphen descending.',
        // For generators: `id` and `-id` would get one name.
        'x-enum-varnames': [...sortable, ...sortable.map(field => `${field}Descending`)]
      })
    ),
    periodFrom: Type.Optional(
      describe(
        Day,
        'First day of a period, `YYYY-MM-DD`. Passed to HOSTKEY unchanged; HOSTKEY does not document what the period filters.'
      )
    ),
    periodTo: Type.Optional(describe(Day, 'Last day of that period, `YYYY-MM-DD`.')),
    customerId: Type.Optional(Type.Integer({ ...CustomerId, description: 'Admin only: accounts of this customer.' })),
    email: Type.Optional(SearchText(320, 'Admin only: accounts of the customer with this e-mail address.')),
    billing: Type.Optional(SearchText(64, 'Admin only: accounts of this billing.'))
  },
  { additionalProperties: false }
)

/** What the deletion of an account must confirm. */
export const DeletionHeaders = Type.Object({ 'confirm-delete': ConfirmDelete })

export const AccountPath = Type.Object({ s3uid: S3Uid }, { additionalProperties: false })

export type NewAccount = Static<typeof NewAccount>
export const NewAccount = model('NewAccount', 'A free account with its first bucket.', {
  planId: describe(PlanId, 'Number of a free plan: `id` in `GET /plans`.'),
  bucketName: NewBucketName,
  location: Type.Optional(describe(Location, 'One of the `locations` of the plan. Default: NL.'))
})

export type CreatedAccount = Static<typeof CreatedAccount>
export const CreatedAccount = model('CreatedAccount', 'A created account with its first bucket.', {
  s3uid: S3Uid,
  planId: describe(PlanId, 'Number of its plan.'),
  location: describe(Location, 'Region code of the place where its data is stored.'),
  bucket: Type.Union([BucketName, Type.Null()], {
    description: 'Actual name of the first bucket; null when there is none, or HOSTKEY does not list it yet.'
  }),
  warnings: Type.Array(ref(Warning), { maxItems: 10, description: 'Empty after a complete success.' })
})
