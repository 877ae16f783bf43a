import type { Static } from 'typebox'
import { model, oneOf } from './model.ts'
import { Text } from './scalars.ts'

/** The bucket was created; its actual name is not known yet. */
export const bucketUnconfirmed = {
  code: 'bucket-name-unconfirmed',
  detail: 'HOSTKEY does not list the bucket yet; its name may differ from the requested one.'
} as const

/** The check of an order saw that it would be refused as a probable duplicate. */
export const bucketNameOrdered = {
  code: 'bucket-name-ordered',
  detail: 'An account for this bucket name was ordered within the last day: another order for it is refused.'
} as const

export type Warning = Static<typeof Warning>
export const Warning = model(
  'Warning',
  'A success with a reservation.',
  {
    code: oneOf(['account-created-with-error', 'bucket-name-unconfirmed', 'bucket-name-ordered'], {
      description:
        '`account-created-with-error`: HOSTKEY reported an error, but the account exists. `bucket-name-unconfirmed`: HOSTKEY does not list the bucket yet; its name may differ from the requested one. `bucket-name-ordered`: another order for this bucket name is refused.'
    }),
    detail: Text(1000, 'What happened.')
  },
  {
    examples: [bucketUnconfirmed]
  }
)
