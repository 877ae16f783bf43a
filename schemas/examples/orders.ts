import { type Example, invalidName, NO_LOGINS, UNKNOWN_TOKEN, UNPAID } from './example.ts'
import { standard250 } from './plans.ts'

const requested = { planId: 2, bucketName: 'backups', location: 'NL' }

/** The order that created the demo customer's account. The embedded sandbox starts with it. */
export const demoOrder = {
  orderId: '5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11',
  state: 'succeeded',
  planId: 2,
  bucketName: 'holiday-pictures',
  location: 'NL',
  createdAt: '2023-10-01T12:00:00.000Z',
  s3uid: 's3_user_1',
  bucket: 'holiday-pictures',
  warnings: [],
  links: { self: '/orders/5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11', account: '/accounts/s3_user_1' }
}

/** Refused by the check, with and without an order. */
const REFUSALS: Example['problems'] = {
  'plan-not-orderable': { detail: 'Plan 1 is free: use POST /accounts.' },
  'location-not-offered': {
    detail: 'Plan 2 is not offered at US. Offered: NL.',
    errors: [{ in: 'body', pointer: '/location', code: 'not-listed', detail: 'must be one of NL' }]
  },
  'price-changed': { detail: 'Plan 2 has another price: monthlyEur is 4.9, not 3.9.' }
}

export const orders: Record<string, Example> = {
  createOrder: {
    parameters: { 'idempotency-key': '7b1f0c3e-2a54-4a0c-9c57-1d8f6f0b7a11' },
    unfilled: ['idempotency-key'],
    body: requested,
    // The price of no plan.
    refusedBody: { expectedPrice: { monthlyEur: 0 } },
    replies: {
      201: {
        value: {
          orderId: '0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04',
          state: 'succeeded',
          ...requested,
          createdAt: '2026-11-22T12:00:00.000Z',
          s3uid: 's3_user_100',
          bucket: 'backups',
          warnings: [],
          links: { self: '/orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04', account: '/accounts/s3_user_100' }
        },
        headers: { Location: '/accounts/s3_user_100' },
        varies: ['/orderId', '/createdAt', '/links/self']
      },
      202: {
        value: {
          orderId: '0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04',
          state: 'unknown',
          ...requested,
          createdAt: '2026-11-22T12:00:00.000Z',
          problem: {
            name: 'upstream-bad-response',
            status: 502,
            detail: 'The answer of HOSTKEY cannot be used: HTTP 502 Bad Gateway.'
          },
          warnings: [],
          links: { self: '/orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04' }
        },
        headers: { Location: '/orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04' },
        varies: ['/orderId', '/createdAt', '/links/self']
      }
    },
    problems: {
      'invalid-token': UNKNOWN_TOKEN,
      'payment-required': UNPAID,
      'idempotency-key-required': {
        detail: 'The header Idempotency-Key is missing.',
        errors: [{ in: 'header', parameter: 'idempotency-key', code: 'missing', detail: 'is missing' }]
      },
      'invalid-bucket-name': invalidName('/bucketName'),
      ...REFUSALS
    }
  },
  checkOrder: {
    body: requested,
    replies: {
      200: {
        value: {
          plan: standard250,
          price: standard250.price,
          location: 'NL',
          locations: standard250.locations,
          warnings: []
        }
      }
    },
    problems: {
      ...REFUSALS,
      'invalid-bucket-name': invalidName('/bucketName')
    }
  },
  getOrder: {
    parameters: { orderId: demoOrder.orderId },
    replies: { 200: { value: demoOrder } },
    problems: {
      'invalid-token': UNKNOWN_TOKEN,
      'upstream-unavailable': NO_LOGINS,
      'order-not-found': { detail: 'The customer has no such order.' }
    }
  }
}
