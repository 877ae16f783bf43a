import { Type } from 'typebox'
import { Amount, action, matches } from './action.ts'

/** The documented text, and similar ones (assumed). */
const PLAN_MISSING = /plan (not found|does not exist)|(no such|unknown) plan/i

const Price = {
  monthly_rub: Type.Optional(Type.Number()),
  monthly_eur: Type.Optional(Type.Number()),
  monthly_usd: Type.Optional(Type.Number())
}

/** s3/list_plans: the plans on offer. Its parameter `id` is for admins and never sent. */
export const listPlans = action({
  name: 'list_plans',
  effect: 'read',
  params: Type.Object({}),
  result: Type.Object({
    plans: Type.Array(
      Type.Object({
        id: Type.Integer(),
        name: Type.Optional(Type.String()),
        quota: Type.Optional(Amount),
        // 0 or 1, or a boolean: here false is a statement.
        active: Type.Optional(Type.Union([Type.Integer(), Type.Boolean()])),
        locations: Type.Optional(Type.Array(Type.String())),
        ...Price,
        storage_type: Type.Optional(Type.String()),
        bandwidth_limit: Type.Optional(Amount),
        price: Type.Optional(Type.Object(Price))
      })
    )
  }),
  example: {
    plans: [
      {
        id: 1,
        name: 'Free Plan',
        quota: 5368709120,
        active: 1,
        locations: ['NL', 'DE'],
        monthly_rub: 0,
        monthly_eur: 0,
        monthly_usd: 0,
        storage_type: 'standard',
        bandwidth_limit: 0,
        price: { monthly_rub: 0, monthly_eur: 0, monthly_usd: 0 }
      }
    ]
  },
  failures: {
    'invalid-request': matches(/^s3\/list_plans: invalid request/i, 's3/list_plans: invalid request')
  }
})

/** s3/history: the changes of a plan. `id` names the plan (documented; other editions of the page differ). */
export const history = action({
  name: 'history',
  effect: 'read',
  params: Type.Object({ id: Type.Integer() }),
  result: Type.Object({
    data: Type.Array(
      Type.Object(
        {
          id: Type.Optional(Type.Integer({ minimum: 0 })),
          action: Type.Optional(Type.String()),
          date: Type.Optional(Type.String()),
          details: Type.Optional(Type.String())
        },
        // Refuses a list of unrelated objects: they have none of the members.
        { minProperties: 1 }
      )
    )
  }),
  example: { data: [{ id: 1, action: 'update', date: '2023-10-27T10:00:00Z', details: 'Price updated' }] },
  failures: {
    'plan-not-found': matches(PLAN_MISSING, 'Plan not found')
  }
})
