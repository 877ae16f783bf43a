import type { Static } from 'typebox'
import { model, oneOf } from './model.ts'
import { Text } from './scalars.ts'

/** A bucket was made, and its actual name is not known yet. */
export const bucketUnconfirmed = {
  code: 'bucket-name-unconfirmed',
  detail: 'HOSTKEY does not list the bucket yet; it may have another name.'
} as const

export type Warning = Static<typeof Warning>
export const Warning = model(
  'Warning',
  'Something to know about a success.',
  {
    code: oneOf(['account-created-with-error', 'bucket-name-unconfirmed'], {
      description:
        '`account-created-with-error`: HOSTKEY reported an error, and the account is there. `bucket-name-unconfirmed`: HOSTKEY does not list the bucket yet; it may have another name than wished.'
    }),
    detail: Text(1000, 'What happened.')
  },
  {
    examples: [bucketUnconfirmed]
  }
)
