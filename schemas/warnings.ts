import type { Static } from 'typebox'
import { model, oneOf } from './model.ts'
import { Text } from './scalars.ts'

/** The bucket was created; its actual name is not known yet. */
export const bucketUnconfirmed = {
  code: 'bucket-name-unconfirmed',
  detail: 'HOSTKEY does not list the bucket yet; its name may differ from the requested one.'
} as const

export type Warning = Static<typeof Warning>
export const Warning = model(
  'Warning',
  'A success with a reservation.',
  {
    code: oneOf(['account-created-with-error', 'bucket-name-unconfirmed'], {
      description:
        '`account-created-with-error`: HOSTKEY reported an error, but the account exists. `bucket-name-unconfirmed`: HOSTKEY does not list the bucket yet; its name may differ from the requested one.'
    }),
    detail: Text(1000, 'What happened.')
  },
  {
    examples: [bucketUnconfirmed]
  }
)
