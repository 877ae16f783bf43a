import { type Static, Type } from 'typebox'
import { model, oneOf } from './model.ts'
import { S3Uid, Secret } from './scalars.ts'

const kinds: ['access-key', 'secret-key'] = ['access-key', 'secret-key']

export type Key = Static<typeof Key>
export const Key = model(
  'Key',
  'One half of the key pair of an account. It is a credential: never store it in a web page.',
  {
    kind: oneOf(kinds, { description: 'Which half this is.' }),
    value: Secret('The credential itself.')
  }
)

export const KeyPath = Type.Object(
  { s3uid: S3Uid, kind: oneOf(kinds, { description: 'Which half of the key pair.' }) },
  { additionalProperties: false }
)
