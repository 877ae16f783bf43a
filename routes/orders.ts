import { CreatedAccount } from '../schemas/accounts.ts'
import { ref } from '../schemas/model.ts'
import { CheckedOrder, NewOrder, OrderHeaders, OrderQuery } from '../schemas/orders.ts'
import type { Price } from '../schemas/plans.ts'
import { defined } from '../src/defined.ts'
import { Problem } from '../src/problem.ts'
import { answers, BODY, errandOf, needs, type Routes, sends } from '../src/route.ts'
import { createOrder, getUsers } from '../src/upstream/actions/accounts.ts'
import { listPlans } from '../src/upstream/actions/plans.ts'
import { checkedOffer, type ListedPlan, priceOf } from '../src/upstream/offers.ts'
import { purchase } from '../src/upstream/purchase.ts'
import { toCreatedAccount } from './accounts.ts'

/** Orders of paid accounts. */
export const orders: Routes = async (app, { upstream, mount, settleMs }) => {
  app.route({
    method: 'POST',
    url: '/orders',
    config: needs('orders:write', 'order', { audit: 'order.create' }),
    schema: {
      operationId: 'createOrder',
      summary: 'Order a paid account',
      description:
        'It bills. Checked against a fresh list of plans, sent once and never repeated. With `validateOnly=true` everything is checked and nothing is ordered; `expectedPrice` refuses the order when the price is another one.',
      tags: ['Orders'],
      headers: OrderHeaders,
      querystring: OrderQuery,
      body: ref(NewOrder),
      response: answers(
        { 200: CheckedOrder, 201: sends(CreatedAccount, 'Location') },
        BODY,
        listPlans,
        getUsers,
        createOrder,
        'idempotency-key-required',
        'plan-not-orderable',
        'location-not-offered',
        'price-changed'
      )
    },
    async handler(request, reply) {
      const { planId, bucketName, expectedPrice } = request.body
      const errand = errandOf(request)
      const { plan, location } = await checkedOffer(upstream, 'paid', request.body, errand)
      assertPrice(plan, expectedPrice)
      const wanted = { planId, bucketName, location }
      if (request.query.validateOnly) return { ...wanted, price: defined(priceOf(plan)) }
      const made = await purchase({ upstream, action: createOrder, settleMs }, wanted, errand)
      return reply
        .code(201)
        .header('location', `${mount}/accounts/${encodeURIComponent(made.s3uid)}`)
        .send(toCreatedAccount(made, planId, location))
    }
  })
}

/** @throws Problem price-changed when a price that the caller expects is not the plan's */
const assertPrice = (plan: ListedPlan, expected: Price | undefined): void => {
  const actual: Record<string, number | undefined> = priceOf(plan)
  for (const [currency, price] of Object.entries(expected ?? {})) {
    if (actual[currency] === price) continue
    throw new Problem(
      'price-changed',
      `${currency} of plan ${plan.id} is ${actual[currency] ?? 'not listed'}, not ${price}.`
    )
  }
}
