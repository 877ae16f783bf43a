import { type Static, Type } from 'typebox'
import { describe, model, ref } from './model.ts'
import { Bytes, Instant, Location, PlanId, Text, WholeNumber } from './scalars.ts'

/** Money is passed through and compared, never calculated with. */
const Money = (currency: string) =>
  Type.Number({ minimum: -1e12, maximum: 1e12, description: `Monthly price in ${currency}.` })

export type Price = Static<typeof Price>
export const Price = model('Price', 'Monthly price in each currency.', {
  monthlyEur: Type.Optional(Money('EUR')),
  monthlyUsd: Type.Optional(Money('USD')),
  monthlyRub: Type.Optional(Money('RUB'))
})

export type Plan = Static<typeof Plan>
export const Plan = model('Plan', 'A pricing plan.', {
  id: PlanId,
  name: Type.Optional(Text(256, 'Name of the plan.')),
  active: Type.Optional(Type.Boolean({ description: 'True when the plan can be ordered.' })),
  quotaBytes: Type.Optional(describe(Bytes, 'Storage quota of an account with this plan, in bytes.')),
  locations: Type.Array(Location, { maxItems: 1000, description: 'Region codes where the plan is available.' }),
  storageType: Type.Optional(Text(64, 'Kind of storage.')),
  bandwidthLimit: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Bandwidth limit as HOSTKEY reports it. HOSTKEY documents neither the unit nor the meaning of 0.'
    })
  ),
  price: ref(Price)
})

export type PlanList = Static<typeof PlanList>
export const PlanList = model('PlanList', 'The available plans.', {
  items: Type.Array(ref(Plan), { maxItems: 10000, description: 'The plans.' })
})

export type PlanChange = Static<typeof PlanChange>
export const PlanChange = model('PlanChange', 'One change of a plan.', {
  id: Type.Optional(describe(WholeNumber, 'Number of the change.')),
  action: Type.Optional(Text(256, 'Kind of change.')),
  changedAt: Type.Optional(describe(Instant, 'Time of the change.')),
  details: Type.Optional(Text(10000, 'What changed.'))
})

export type PlanHistory = Static<typeof PlanHistory>
export const PlanHistory = model('PlanHistory', 'The changes of a plan.', {
  items: Type.Array(ref(PlanChange), { maxItems: 100000, description: 'The changes, in the order of HOSTKEY.' })
})

export const PlanPath = Type.Object({ planId: PlanId }, { additionalProperties: false })
