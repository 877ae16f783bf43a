import { type Static, Type } from 'typebox'
import { describe, model, oneOf, ref } from './model.ts'
import { RequiredIdempotencyKey } from './parameters.ts'
import { Price } from './plans.ts'
import { Instant, Location, NewBucketName, OrderId, OwnText, PlanId, S3Uid, Text } from './scalars.ts'

export type NewOrder = Static<typeof NewOrder>
export const NewOrder = model('NewOrder', 'An order of a paid account. HOSTKEY bills it.', {
  planId: describe(PlanId, 'Number of a paid plan: `id` in `GET /plans`.'),
  bucketName: NewBucketName,
  location: Type.Optional(
    describe(Location, 'One of the `locations` of the plan. Optional when the plan has only one.')
  ),
  expectedPrice: Type.Optional(ref(Price))
})

export const OrderQuery = Type.Object(
  { validateOnly: Type.Boolean({ default: false, description: '`true` checks the order and does not send it.' }) },
  { additionalProperties: false }
)

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
  problem: Type.Optional(
    Type.Object(
      {
        name: OwnText(64, '^[a-z-]+$', 'Name of the problem.'),
        status: Type.Integer({ minimum: 400, maximum: 599, description: 'HTTP status of the problem.' }),
        detail: Text(1000, 'What happened.')
      },
      { additionalProperties: false, description: 'Why the order failed, or why its outcome is unknown.' }
    )
  )
})

export const OrderPath = Type.Object({ orderId: OrderId }, { additionalProperties: false })

/** Reply to `?validateOnly=true`. */
export type CheckedOrder = Static<typeof CheckedOrder>
export const CheckedOrder = model('CheckedOrder', 'A checked order that was not sent.', {
  planId: PlanId,
  bucketName: NewBucketName,
  location: describe(Location, 'Region code of the account.'),
  price: ref(Price)
})
