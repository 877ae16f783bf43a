import { cancelPaymentAccountDeletion, deletePaymentAccount } from '../../upstream/actions/terminations.ts'
import { refuse } from '../refusal.ts'
import { accountRule } from '../rule.ts'

/** Days between the request to end a paid account and its end. Assumed. */
const NOTICE_DAYS = 30

/** A repeated request keeps the day. Assumed. */
export const delete_payment_account = accountRule(deletePaymentAccount, ['s3uid'], (_params, account, { state }) => {
  if (!account.paid) return refuse(deletePaymentAccount, 'not-a-paid-account')
  account.cancelDate ??= new Date(state.now() + NOTICE_DAYS * 86_400_000).toISOString().slice(0, 10)
  return { message: { cancellation_date: account.cancelDate } }
})

/** Succeeds also where no end is scheduled. Assumed. */
export const cancel_payment_account_deletion = accountRule(
  cancelPaymentAccountDeletion,
  ['s3uid'],
  (_params, account) => {
    if (!account.paid) return refuse(cancelPaymentAccountDeletion, 'not-a-paid-account')
    account.cancelDate = undefined
    return { message: null }
  }
)
