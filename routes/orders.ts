import { VersionHeaders } from '../schemas/headers.ts'
import { ref } from '../schemas/model.ts'
import { NewOrder, Order, OrderCheck, OrderHeaders, OrderPath } from '../schemas/orders.ts'
import { answers, BODY_PROBLEMS, ignoringErrors, omitting, withHeaders, withVersion } from '../src/http/answers.ts'
import { idempotencyKeyIn, operation } from '../src/http/operation.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { createOrder, getUsers } from '../src/upstream/actions/accounts.ts'
import { getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'
import { listPlans } from '../src/upstream/actions/plans.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

/** Orders of paid accounts. */
export const orderRoutes: Routes = async (app, { orders, links }) => {
  app.route({
    method: 'POST',
    url: '/orders',
    config: operation({
      scope: 'orders:write',
      rate: 'order',
      account: undefined,
      audit: 'order.create',
      auditReplay: 'order.replay',
      switches: ['orders', 'writes'],
      target: ({ body: { bucketName } }) => [bucketName],
      isRepetition: request => orders.isRepetition(contextOf(request), 'create_order', idempotencyKeyIn(request))
    }),
    schema: {
      operationId: 'createOrder',
      summary: 'Order a paid account',
      description:
        'HOSTKEY bills the order. Each `Idempotency-Key` sends at most one order: retry with the same request and the same key. The gateway checks the order against a fresh list of plans; `POST /orders/checks` does only that. `expectedPrice` refuses the order if a price has changed. The reply is 202 when HOSTKEY’s answer was lost and the outcome is not known yet.',
      tags: ['Orders'],
      headers: OrderHeaders,
      body: ref(NewOrder),
      response: answers(
        {
          201: withHeaders(Order, 'Location', 'Idempotency-Replayed'),
          202: withHeaders(Order, 'Location')
        },
        BODY_PROBLEMS,
        tokenInfo,
        listPlans,
        getUsers,
        // The account is searched for: 201 when it exists, else 202.
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
      const placed = await orders.place(contextOf(request), request.headers['idempotency-key'], request.body)
      if (placed.isReplayed) reply.header('idempotency-replayed', 'true')
      const { order } = placed
      return order.s3uid === undefined
        ? reply.code(202).header('location', links.order(order.orderId)).send(order)
        : reply.code(201).header('location', links.account(order.s3uid)).send(order)
    }
  })

  app.route({
    method: 'POST',
    url: '/orders/checks',
    config: operation({
      scope: 'orders:write',
      rate: 'check',
      switches: ['orders', 'writes'],
      account: undefined,
      audit: 'order.check',
      target: ({ body: { bucketName } }) => [bucketName]
    }),
    schema: {
      operationId: 'checkOrder',
      summary: 'Check an order without ordering',
      description:
        'Checks the order as `POST /orders` would, and sends none. Returns the plan, its price and its locations. A form can check 60 times a minute.',
      tags: ['Orders'],
      body: ref(NewOrder),
      response: answers(
        { 200: OrderCheck },
        BODY_PROBLEMS,
        // The list of plans comes first, and refuses the token.
        ignoringErrors(tokenInfo),
        listPlans,
        'invalid-bucket-name',
        'plan-not-orderable',
        'location-not-offered',
        'price-changed'
      )
    },
    async handler(request) {
      return orders.check(contextOf(request), request.body)
    }
  })

  app.route({
    method: 'GET',
    url: '/orders/:orderId',
    config: operation({ scope: 'orders:write', rate: 'read', account: undefined, audit: undefined }),
    schema: {
      operationId: 'getOrder',
      summary: 'Read an order',
      description:
        'Returns the order from the gateway’s ledger, without a call to `s3.php`. The gateway keeps orders for 30 days.',
      tags: ['Orders'],
      params: OrderPath,
      headers: VersionHeaders,
      response: answers(withVersion(Order), tokenInfo, 'order-not-found')
    },
    async handler(request) {
      return orders.get(contextOf(request), request.params.orderId)
    }
  })
}
