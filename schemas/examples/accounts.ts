import { DONE, type Example, invalidName, LOST_DELETION, UNKNOWN_TOKEN, UNPAID } from './example.ts'
import { otherOrder } from './problems.ts'

const account = {
  s3uid: 's3_user_1',
  id: 1,
  email: 'demo@example.com',
  planId: 2,
  location: 'NL',
  quotaBytes: 268435456000,
  storageBytes: 80962140,
  traffic: 102400
}

export const accounts: Record<string, Example> = {
  listAccounts: { replies: { 200: { value: { items: [account], truncated: false } } } },
  getAccount: {
    parameters: { s3uid: 's3_user_1' },
    replies: { 200: { value: account } },
    problems: { 'account-not-found': { detail: 'The customer has no such account.' } }
  },
  createAccount: {
    parameters: { 'idempotency-key': '2f6c1a7e-5d0b-4c0e-8a3d-91b4f7e2c605' },
    body: { planId: 1, bucketName: 'music', location: 'NL' },
    replies: {
      201: {
        value: { s3uid: 's3_user_100', planId: 1, location: 'NL', bucket: 'music', warnings: [] },
        headers: { Location: '/accounts/s3_user_100' }
      }
    },
    problems: {
      'invalid-token': UNKNOWN_TOKEN,
      'payment-required': { ...UNPAID, upstream: { action: 'create_account', message: 'issue service paid' } },
      'invalid-bucket-name': invalidName('/bucketName'),
      'plan-not-orderable': { detail: 'Plan 2 costs money: order it with POST /orders.' },
      'location-not-offered': {
        detail: 'Plan 1 is not offered at US. Offered: NL, DE.',
        errors: [{ in: 'body', pointer: '/location', code: 'not-listed', detail: 'must be one of NL, DE' }]
      },
      'account-state-unknown': {
        detail: 'It is not known yet whether the account was created: send the same request with the same key.',
        outcome: 'unknown',
        links: otherOrder,
        varies: ['/links/order']
      }
    }
  },
  deleteAccount: {
    parameters: { s3uid: 's3_user_1', 'confirm-delete': 's3_user_1' },
    unfilled: ['confirm-delete'],
    replies: DONE,
    problems: {
      ...LOST_DELETION,
      'confirmation-required': {
        detail: 'The header Confirm-Delete must repeat the name of what the URL deletes.',
        errors: [{ in: 'header', parameter: 'confirm-delete', code: 'missing', detail: 'is missing' }]
      },
      'confirmation-mismatch': { detail: 'The header Confirm-Delete names another account than the URL.' }
    }
  }
}
