import { type Static, Type } from 'typebox'
import { describe, model, oneOf, ref } from './model.ts'
import { RequiredIdempotencyKey } from './parameters.ts'
import { Plan, Price } from './plans.ts'
import { FailureReason } from './problems.ts'
import { BucketName, Instant, Location, NewBucketName, PlanId, S3Uid, Uuid } from './scalars.ts'
import { Warning } from './warnings.ts'

/** Id of an order in the gateway's ledger. */
const OrderId = describe(Uuid, 'Id of an order.')

export type NewOrder = Static<typeof NewOrder>
export const NewOrder = model('NewOrder', 'An order of a paid account. HOSTKEY bills it.', {
  planId: describe(PlanId, 'Number of a paid plan: `id` in `GET /plans`.'),
  bucketName: NewBucketName,
  location: Type.Optional(
    describe(Location, 'One of the `locations` of the plan. Optional when the plan has only one.')
  ),
  expectedPrice: Type.Optional(ref(Price))
})

export const OrderHeaders = Type.Object({ 'idempotency-key': RequiredIdempotencyKey })

export type Order = Static<typeof Order>
export const Order = model('Order', 'An order of a paid account, and its state.', {
  orderId: OrderId,
  state: oneOf(['pending', 'succeeded', 'failed', 'unknown'], {
    description:
      '`pending`: in progress. `succeeded`: the account is `s3uid`. `failed`: see `problem`. `unknown`: HOSTKEY’s answer was lost. Send the same request with the same key: the gateway checks again and never orders twice.'
  }),
  planId: PlanId,
  bucketName: NewBucketName,
  location: describe(Location, 'Requested region code.'),
  createdAt: describe(Instant, 'Time of the order.'),
  s3uid: Type.Optional(describe(S3Uid, 'Name of the created account.')),
  bucket: Type.Optional(
    Type.Union([BucketName, Type.Null()], {
      description: 'Actual name of its first bucket; null when there is none, or HOSTKEY does not list it yet.'
    })
  ),
  warnings: Type.Array(ref(Warning), { maxItems: 10, description: 'Empty after a complete success.' }),
  problem: Type.Optional(ref(FailureReason)),
  links: Type.Object(
    {
      self: Type.String({ format: 'uri-reference', maxLength: 2048, description: 'Address of the order.' }),
      account: Type.Optional(
        Type.String({ format: 'uri-reference', maxLength: 2048, description: 'Address of the created account.' })
      )
    },
    { additionalProperties: false, description: 'Addresses of related resources.' }
  )
})

export const OrderPath = Type.Object({ orderId: OrderId }, { additionalProperties: false })

export type OrderCheck = Static<typeof OrderCheck>
export const OrderCheck = model('OrderCheck', 'A checked order that was not sent.', {
  plan: ref(Plan),
  price: ref(Price),
  location: describe(Location, 'Region code where the account would be.'),
  locations: Type.Array(Location, { maxItems: 1000, description: 'Region codes where the plan is available.' }),
  warnings: Type.Array(ref(Warning), { maxItems: 10, description: 'What may refuse the order.' })
})
