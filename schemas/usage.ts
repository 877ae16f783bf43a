import { type Static, Type } from 'typebox'
import { describe, model, ref } from './model.ts'
import { ProblemDetails } from './problems.ts'
import { BucketName, Bytes, Instant, S3Uid, Traffic } from './scalars.ts'

export type UsageSnapshot = Static<typeof UsageSnapshot>
export const UsageSnapshot = model('UsageSnapshot', 'Storage and traffic at one point in time.', {
  storageBytes: Type.Optional(describe(Bytes, 'Storage used, in bytes.')),
  bandwidth: Type.Optional(Traffic),
  createdAt: Type.Optional(describe(Instant, 'Time of the measurement.'))
})

export type BucketUsage = Static<typeof BucketUsage>
export const BucketUsage = model('BucketUsage', 'Storage of one bucket.', {
  name: BucketName,
  storageBytes: Type.Optional(describe(Bytes, 'Size of its files, in bytes.'))
})

const SIGNED = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }

export const ForecastBasis = model('ForecastBasis', 'The snapshots behind a forecast.', {
  snapshots: Type.Integer({ minimum: 3, maximum: 100000, description: 'How many there are.' }),
  from: describe(Instant, 'Time of the first one.'),
  to: describe(Instant, 'Time of the last one.')
})

const forecastMembers = {
  storageBytes: Type.Optional(describe(Bytes, 'Storage used, in bytes.')),
  quotaBytes: Type.Optional(describe(Bytes, 'Storage quota, in bytes.')),
  quotaUsedRatio: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: '`storageBytes` divided by `quotaBytes`; absent without a quota.'
    })
  ),
  growthBytesPerDay: Type.Union([Type.Integer(SIGNED), Type.Null()], {
    description:
      'Growth of the storage by the snapshots since the last purge, of at most 90 days, in bytes a day; negative when it shrinks. Null below three snapshots or a day.'
  }),
  daysUntilFull: Type.Union([Type.Integer({ minimum: 0, maximum: 3650 }), Type.Null()], {
    description:
      'Days until the quota is reached at this growth. Null without a quota, without a clear growth, and beyond ten years.'
  }),
  basis: Type.Union([ref(ForecastBasis), Type.Null()], { description: 'The snapshots behind the forecast.' })
}

export type Usage = Static<typeof Usage>
export const Usage = model(
  'Usage',
  'Storage and traffic of an account. HOSTKEY measures them from time to time, so the values lag.',
  {
    ...forecastMembers,
    bandwidth: Type.Optional(Traffic),
    buckets: Type.Array(ref(BucketUsage), { maxItems: 100000, description: 'Storage of each bucket.' }),
    snapshots: Type.Array(ref(UsageSnapshot), { maxItems: 100000, description: 'Earlier measurements.' })
  }
)

export type AccountUsage = Static<typeof AccountUsage>
export const AccountUsage = model('AccountUsage', 'Storage and traffic of one account.', {
  s3uid: S3Uid,
  ...forecastMembers,
  bandwidth: Type.Optional(Traffic)
})

const FailedUsage = Type.Object({ s3uid: S3Uid, problem: ref(ProblemDetails) }, { additionalProperties: false })

export type UsageList = Static<typeof UsageList>
export const UsageList = model('UsageList', 'Usage of the accounts of the customer.', {
  items: Type.Array(ref(AccountUsage), { maxItems: 100, description: 'The accounts whose usage is known.' }),
  partial: Type.Array(FailedUsage, { maxItems: 100, description: 'The accounts whose usage could not be read.' }),
  truncated: Type.Boolean({ description: 'True when there are more than 100 accounts: the others are left out.' })
})
