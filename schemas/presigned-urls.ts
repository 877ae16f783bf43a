import { type Static, Type } from 'typebox'
import { annotate, model, oneOf } from './model.ts'
import { FilePath, Instant, OwnText, Secret } from './scalars.ts'

/** 5 TiB: the largest object of S3. */
const MAX_OBJECT_BYTES = 5 * 1024 ** 4

export type NewPresignedUrl = Static<typeof NewPresignedUrl>
export const NewPresignedUrl = model('NewPresignedUrl', 'One upload or download that a URL is for.', {
  operation: oneOf(['download', 'upload'], { description: 'What the URL allows.' }),
  path: FilePath,
  expiresInSeconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 3600, description: 'How long the URL is valid, in seconds; default 300.' })
  ),
  contentType: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(; ?[A-Za-z0-9-]{1,32}=[A-Za-z0-9._-]{1,64})?$',
      minLength: 3,
      maxLength: 255,
      description: 'Type of the content. The upload must send it; the storage refuses another one.'
    })
  ),
  contentLength: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_OBJECT_BYTES,
      description: 'Size of the content, in bytes. The storage refuses an upload of another size.'
    })
  ),
  downloadName: Type.Optional(
    Type.String({
      pattern: '^[^\\u0000-\\u001f\\u007f/\\\\\\ud800-\\udfff]+$',
      minLength: 1,
      maxLength: 255,
      description: 'Name under which a browser saves the file.'
    })
  )
})

export type PresignedUrl = Static<typeof PresignedUrl>
export const PresignedUrl = model(
  'PresignedUrl',
  'A URL that allows one upload or download. It is a credential until it expires: whoever has it can use it, repeatedly.',
  {
    url: annotate(Secret('The URL. Use it unchanged.'), { maxLength: 16384 }),
    method: oneOf(['GET', 'PUT'], { description: 'Method of the request.' }),
    headers: Type.Record(
      Type.String({ pattern: '^[a-z-]{1,64}$' }),
      OwnText(255, '^[!-~ ]+$', 'Value of the header.'),
      {
        description:
          'Headers that the request must have with exactly these values. Browsers send `content-length` by themselves.'
      }
    ),
    expiresAt: { ...Instant, description: 'End of the validity.' }
  }
)

export type Connection = Static<typeof Connection>
export const Connection = model('Connection', 'How S3 clients reach the storage of an account.', {
  endpoint: OwnText(2048, '^https?://[^\\s/]+$', 'Endpoint of the storage.'),
  region: OwnText(64, '^[A-Za-z0-9-]+$', 'Region to sign with.'),
  addressing: oneOf(['path'], { description: '`path`: the bucket is the first segment of the URL.' }),
  examples: Type.Object(
    {
      awsCli: OwnText(4096, '^aws .+$', 'Lists the buckets with the AWS command line.'),
      rclone: OwnText(4096, '^rclone .+$', 'The same with rclone.')
    },
    {
      additionalProperties: false,
      description: 'Commands that take the key pair from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.'
    }
  )
})
