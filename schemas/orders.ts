import { type Static, Type } from 'typebox'
import { model, oneOf, ref } from './model.ts'
import { Price } from './plans.ts'
import { IdempotencyKey, Instant, Location, NewBucketName, OrderId, OwnText, PlanId, S3Uid, Text } from './scalars.ts'

export type NewOrder = Static<typeof NewOrder>
export const NewOrder = model('NewOrder', 'An order of a paid account. It bills.', {
  planId: PlanId,
  bucketName: NewBucketName,
  location: Type.Optional(Location),
  expectedPrice: Type.Optional(ref(Price))
})

export const OrderQuery = Type.Object(
  { validateOnly: Type.Boolean({ default: false, description: 'Check everything, order nothing.' }) },
  { additionalProperties: false }
)

export const OrderHeaders = Type.Object({ 'idempotency-key': IdempotencyKey })

export type Order = Static<typeof Order>
export const Order = model('Order', 'A purchase, from its request to its end.', {
  orderId: OrderId,
  state: oneOf(['pending', 'succeeded', 'failed', 'unknown'], {
    description:
      '`unknown`: HOSTKEY’s answer was lost. Send the same request with the same key: the gateway looks again, and never orders twice.'
  }),
  planId: PlanId,
  bucketName: NewBucketName,
  location: Location,
  createdAt: Instant,
  s3uid: Type.Optional(S3Uid),
  problem: Type.Optional(
    Type.Object(
      {
        name: OwnText(64, '^[a-z-]+$', 'Name of the problem.'),
        status: Type.Integer({ minimum: 400, maximum: 599, description: 'Its status.' }),
        detail: Text(1000, 'What happened.')
      },
      { additionalProperties: false, description: 'Why it failed, or why nobody knows.' }
    )
  )
})

export const OrderPath = Type.Object({ orderId: OrderId }, { additionalProperties: false })

/** What `?validateOnly=true` answers. */
export type CheckedOrder = Static<typeof CheckedOrder>
export const CheckedOrder = model('CheckedOrder', 'An order that would be sent as it is.', {
  planId: PlanId,
  bucketName: NewBucketName,
  location: Location,
  price: ref(Price)
})
