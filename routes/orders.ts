import { CreatedAccount } from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { ref } from '../schemas/model.ts'
import { CheckedOrder, NewOrder, Order, OrderHeaders, OrderPath, OrderQuery } from '../schemas/orders.ts'
import type { Price } from '../schemas/plans.ts'
import { problems } from '../schemas/problems.ts'
import { Problem } from '../src/core/problem.ts'
import { defined } from '../src/core/without-undefined.ts'
import { toCreatedAccount } from '../src/domain/orders/account-creation.ts'
import { checkedOffer, type ListedPlan, priceOf } from '../src/domain/orders/offers.ts'
import { orderKeyOf, tenantOf } from '../src/domain/orders/order-key.ts'
import type { Entry, EntryState } from '../src/domain/orders/placement.ts'
import { answers, BODY, ignoringErrors, omitting, sends, versioned } from '../src/http/answers.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import { createOrder, getUsers } from '../src/upstream/actions/accounts.ts'
import { getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'
import { listPlans } from '../src/upstream/actions/plans.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

/** Orders of paid accounts. */
export const orders: Routes = async (app, { upstream, ordering, ledger, mount, verifyDelaysMs }) => {
  app.route({
    method: 'POST',
    url: '/orders',
    config: needs('orders:write', 'order', { audit: 'order.create' }),
    schema: {
      operationId: 'createOrder',
      summary: 'Order a paid account',
      description:
        'HOSTKEY bills the order. Each `Idempotency-Key` sends at most one order: retry with the same request and the same key. The gateway checks the order against a fresh list of plans. `validateOnly=true` checks and does not order. `expectedPrice` refuses the order if a price has changed. The reply is 202 when HOSTKEY’s answer was lost and the outcome is not known yet.',
      tags: ['Orders'],
      headers: OrderHeaders,
      querystring: OrderQuery,
      body: ref(NewOrder),
      response: answers(
        {
          200: CheckedOrder,
          201: sends(CreatedAccount, 'Location', 'Idempotency-Replayed'),
          202: sends(Order, 'Location')
        },
        BODY,
        tokenInfo,
        listPlans,
        getUsers,
        // An account that was made with an error is looked for: 201, or 202 while nobody can tell.
        omitting(createOrder, 'account-state-unknown'),
        ignoringErrors(getBuckets),
        ignoringErrors(getBucketsUsage),
        'idempotency-key-required',
        'idempotency-in-progress',
        'idempotency-key-reused',
        'probable-duplicate-order',
        'plan-not-orderable',
        'location-not-offered',
        'price-changed'
      )
    },
    async handler(request, reply) {
      const { planId, bucketName, expectedPrice } = request.body
      const context = contextOf(request)
      const check = async () => {
        const { plan, location } = await checkedOffer(upstream, 'paid', request.body, context)
        assertPrice(plan, expectedPrice)
        return { planId, bucketName, location, price: defined(priceOf(plan)) }
      }
      if (request.query.validateOnly) return check()
      const key = await orderKeyOf('create_order', request.headers['idempotency-key'], request.body, context)
      const wanted = async () => ({ planId, bucketName, location: (await check()).location })
      const { entry, isReplayed } = await ordering.place(
        { upstream, action: createOrder, verifyDelaysMs },
        key,
        wanted,
        context
      )
      if (isReplayed) reply.header('idempotency-replayed', 'true')
      if (!entry.made)
        return reply.code(202).header('location', `${mount}/orders/${entry.orderId}`).send(toOrder(entry))
      return reply
        .code(201)
        .header('location', `${mount}/accounts/${encodeURIComponent(entry.made.s3uid)}`)
        .send(toCreatedAccount(entry.made, entry.intent.wanted))
    }
  })

  app.route({
    method: 'GET',
    url: '/orders/:orderId',
    config: needs('orders:write', 'read'),
    schema: {
      operationId: 'getOrder',
      summary: 'Read an order',
      description:
        'Returns the order from the gateway’s ledger, without a call to `s3.php`. The gateway keeps orders for 30 days.',
      tags: ['Orders'],
      params: OrderPath,
      headers: VersionHeaders,
      response: answers(versioned(Order), tokenInfo, 'order-not-found')
    },
    async handler(request) {
      const entry = await ledger.find(await tenantOf(contextOf(request).caller), request.params.orderId)
      if (!entry) throw new Problem('order-not-found', 'The customer has no such order.')
      return toOrder(entry)
    }
  })
}

const states: Record<EntryState, Order['state']> = {
  claimed: 'pending',
  sent: 'pending',
  done: 'succeeded',
  failed: 'failed',
  unknown: 'unknown'
}

const toOrder = ({ orderId, state, intent, createdAt, made, problem }: Entry): Order =>
  defined({
    orderId,
    state: states[state],
    ...intent.wanted,
    createdAt: new Date(createdAt).toISOString(),
    s3uid: made?.s3uid,
    problem:
      made === undefined && problem && state !== 'sent'
        ? { name: problem.name, status: problems[problem.name].status, detail: problem.detail }
        : undefined
  })

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
