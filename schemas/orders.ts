import { type Static, Type } from 'typebox'
import { model, ref } from './model.ts'
import { Price } from './plans.ts'
import { IdempotencyKey, Location, NewBucketName, PlanId } from './scalars.ts'

export type NewOrder = Static<typeof NewOrder>
export const NewOrder = model(
  'NewOrder',
  'An order of a paid account. It bills.',
  {
    planId: PlanId,
    bucketName: NewBucketName,
    location: Type.Optional(Location),
    expectedPrice: Type.Optional(ref(Price))
  },
  { examples: [{ planId: 2, bucketName: 'photos', location: 'NL' }] }
)

export const OrderQuery = Type.Object(
  { validateOnly: Type.Boolean({ default: false, description: 'Check everything, order nothing.' }) },
  { additionalProperties: false }
)

export const OrderHeaders = Type.Object({ 'idempotency-key': IdempotencyKey })

/** What `?validateOnly=true` answers. */
export type CheckedOrder = Static<typeof CheckedOrder>
export const CheckedOrder = model(
  'CheckedOrder',
  'An order that would be sent as it is.',
  {
    planId: PlanId,
    bucketName: NewBucketName,
    location: Location,
    price: ref(Price)
  },
  {
    examples: [
      { planId: 2, bucketName: 'photos', location: 'NL', price: { monthlyEur: 4.9, monthlyUsd: 5.4, monthlyRub: 490 } }
    ]
  }
)
