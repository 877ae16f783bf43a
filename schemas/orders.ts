import { type Static, Type } from 'typebox'
import { model, oneOf, ref, told } from './model.ts'
import { Price } from './plans.ts'
import { IdempotencyKey, Instant, Location, NewBucketName, OrderId, OwnText, PlanId, S3Uid, Text } from './scalars.ts'

export type NewOrder = Static<typeof NewOrder>
export const NewOrder = model('NewOrder', 'An order of a paid account. It bills.', {
  planId: told(PlanId, 'Number of a paid plan of `GET /plans`.'),
  bucketName: NewBucketName,
  location: Type.Optional(
    told(Location, 'One of the `locations` of the plan; may be left out where the plan has only one.')
  ),
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
      '`pending`: it is on its way. `succeeded`: the account is `s3uid`. `failed`: `problem` says why. `unknown`: HOSTKEY’s answer was lost. Send the same request with the same key: the gateway looks again, and never orders twice.'
  }),
  planId: PlanId,
  bucketName: NewBucketName,
  location: told(Location, 'Region code of where the account is wanted.'),
  createdAt: told(Instant, 'When it was placed.'),
  s3uid: Type.Optional(told(S3Uid, 'Name of the account, once it was made.')),
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
  location: told(Location, 'Region code of where the account would be.'),
  price: ref(Price)
})
