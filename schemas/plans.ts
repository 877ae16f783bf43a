import { type Static, Type } from 'typebox'
import { model, ref, told } from './model.ts'
import { Bytes, Instant, Location, PlanId, Text } from './scalars.ts'

/** Money is passed through as HOSTKEY prints it and compared, never added up. */
const Money = (currency: string) =>
  Type.Number({ minimum: -1e12, maximum: 1e12, description: `Price of a month in ${currency}.` })

export type Price = Static<typeof Price>
export const Price = model('Price', 'Price of a month, in each currency.', {
  monthlyEur: Type.Optional(Money('EUR')),
  monthlyUsd: Type.Optional(Money('USD')),
  monthlyRub: Type.Optional(Money('RUB'))
})

export type Plan = Static<typeof Plan>
export const Plan = model('Plan', 'A pricing plan.', {
  id: PlanId,
  name: Type.Optional(Text(256, 'Name of the plan.')),
  active: Type.Optional(Type.Boolean({ description: 'Is it on offer?' })),
  quotaBytes: Type.Optional(told(Bytes, 'How many bytes an account of this plan may hold.')),
  locations: Type.Array(Location, { maxItems: 1000, description: 'Where it is offered.' }),
  storageType: Type.Optional(Text(64, 'Kind of storage.')),
  bandwidthLimit: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'As HOSTKEY prints it; neither the unit nor the meaning of 0 is documented.'
    })
  ),
  price: ref(Price)
})

export type PlanList = Static<typeof PlanList>
export const PlanList = model('PlanList', 'The plans on offer.', {
  items: Type.Array(ref(Plan), { maxItems: 10000, description: 'The plans.' })
})

export type PlanChange = Static<typeof PlanChange>
export const PlanChange = model('PlanChange', 'A change of a plan.', {
  id: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Number of the change.' })
  ),
  action: Type.Optional(Text(256, 'What was done.')),
  changedAt: Type.Optional(told(Instant, 'When the plan was changed.')),
  details: Type.Optional(Text(10000, 'What changed.'))
})

export type PlanHistory = Static<typeof PlanHistory>
export const PlanHistory = model('PlanHistory', 'The changes of a plan.', {
  items: Type.Array(ref(PlanChange), { maxItems: 100000, description: 'The changes, as HOSTKEY orders them.' })
})

export const PlanPath = Type.Object({ planId: PlanId }, { additionalProperties: false })
