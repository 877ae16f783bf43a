import { Type } from 'typebox'
import { action, matches } from './action.ts'

/** The text for an unknown action is assumed, as for `get_buckets`. The gateway has checked the parameters itself. */
const unknownAction = (name: string) =>
  matches(/^(?:s3\/[a-z_]{1,40}: )?(?:invalid request|unknown action)$/i, `s3/${name}: invalid request`)

/** Assumed: an edition of the vendor page says only that an active service is required. */
const notPaid = matches(
  /^(?:active service not found|no active service|(?:this |the )?account is (?:free|not (?:a )?paid))$/i,
  'Active service not found'
)

/**
 * s3/delete_payment_account: sets the day on which billing ends a paid account. Only other editions of the vendor page
 * have it; they document no reply and no refusal, so both are assumed.
 */
export const deletePaymentAccount = action({
  name: 'delete_payment_account',
  effect: 'provision',
  params: Type.Object({ s3uid: Type.String() }),
  result: Type.Object({
    message: Type.Optional(Type.Object({ cancellation_date: Type.Optional(Type.String()) }))
  }),
  example: { message: { cancellation_date: '2026-01-31' } },
  failures: {
    'not-offered-upstream': unknownAction('delete_payment_account'),
    'not-a-paid-account': notPaid
  }
})

/** s3/cancel_payment_account_deletion: withdraws it. Documented and assumed as `delete_payment_account`. */
export const cancelPaymentAccountDeletion = action({
  name: 'cancel_payment_account_deletion',
  effect: 'provision',
  params: Type.Object({ s3uid: Type.String() }),
  result: Type.Object({ message: Type.Optional(Type.Unknown()) }),
  example: { message: null },
  failures: {
    'not-offered-upstream': unknownAction('cancel_payment_account_deletion'),
    'not-a-paid-account': notPaid
  }
})
