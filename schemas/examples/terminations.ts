import { meaningOf } from '../refusals.ts'
import { DONE, type Example } from './example.ts'

/** Also after an invalid response: no read shows a termination. */
const LOST = {
  'upstream-timeout': { detail: 'HOSTKEY did not answer in time.', outcome: 'unknown' }
} as const satisfies Example['problems']

const freeAccount = (action: string) => ({
  detail: meaningOf('not-a-paid-account'),
  upstream: { action, message: 'Active service not found' }
})

const unknownAction = (action: string) => ({
  detail: meaningOf('not-offered-upstream'),
  upstream: { action, message: `s3/${action}: invalid request` }
})

export const terminations: Record<string, Example> = {
  createTermination: {
    parameters: { s3uid: 's3_user_1', 'confirm-delete': 's3_user_1' },
    unfilled: ['confirm-delete'],
    replies: { 200: { value: { effectiveAt: '2026-01-31T00:00:00Z' }, varies: ['/effectiveAt'] } },
    problems: {
      ...LOST,
      'confirmation-required': {
        detail: 'The header Confirm-Delete must repeat the name of what the URL deletes.',
        errors: [{ in: 'header', parameter: 'confirm-delete', code: 'missing', detail: 'is missing' }]
      },
      'confirmation-mismatch': { detail: 'The header Confirm-Delete names another account than the URL.' },
      'not-a-paid-account': freeAccount('delete_payment_account'),
      'not-offered-upstream': unknownAction('delete_payment_account')
    }
  },
  cancelTermination: {
    parameters: { s3uid: 's3_user_1' },
    replies: DONE,
    problems: {
      ...LOST,
      'not-a-paid-account': freeAccount('cancel_payment_account_deletion'),
      'not-offered-upstream': unknownAction('cancel_payment_account_deletion')
    }
  }
}
