import { Type } from 'typebox'
import { describe } from './model.ts'

/** The annotation that says a pattern in words, for people. It is not in openapi.yaml. */
export const RULE = 'x-rule'

/** The annotation that carries the problems of a parameter or a member. It is not in openapi.yaml. */
export const PROBLEMS = 'x-parameter-problems'

/** No C0 control character, no DEL, no lone surrogate (the patterns run with the `u` flag). */
const PLAIN_TEXT = '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$'

/** Name of an S3 account at HOSTKEY. Opaque: the vendor's page shows `s3_user_12345` (documented); the real format is unknown. */
export const S3Uid = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  [RULE]: '1 to 64 characters: letters, digits, underscore, hyphen',
  minLength: 1,
  maxLength: 64,
  description: 'Name of an S3 account. Opaque.'
})

/**
 * Requested name of a new bucket. Amazon's rule, assumed: HOSTKEY documents none. Labels between single dots begin and end
 * with a letter or a digit, and the name has not the form of an IPv4 address. The prefixes and suffixes that Amazon reserves
 * for its own services, such as `xn--` and `-s3alias`, are allowed: HOSTKEY may add a prefix (observed).
 */
export const NewBucketName = Type.String({
  pattern: '^(?!(\\d+\\.){3}\\d+$)[a-z0-9]+(-+[a-z0-9]+)*(\\.[a-z0-9]+(-+[a-z0-9]+)*)*$',
  [RULE]: '3 to 63 characters: a-z, 0-9, dot, hyphen; begins and ends with a letter or a digit',
  [PROBLEMS]: { wrong: { name: 'invalid-bucket-name', detail: 'The name of the bucket is not allowed.' } },
  minLength: 3,
  maxLength: 63,
  description:
    'Requested name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen, no dot beside another dot or a hyphen, no IPv4 address. HOSTKEY may add a prefix.'
})

/** Name of an existing bucket. The rule is lenient, so that every bucket that HOSTKEY lists can be read and deleted. */
export const BucketName = Type.String({
  pattern: '^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
  [RULE]: '1 to 255 characters without a slash, as listed',
  minLength: 1,
  maxLength: 255,
  description: 'Name of a bucket, exactly as listed.'
})

/**
 * Path of a file inside its bucket: 1 to 1024 bytes of UTF-8 without NUL, never normalised. The schema counts
 * characters; `assertFilePath` counts bytes.
 */
export const FilePath = Type.String({
  pattern: '^[^\\u0000\\ud800-\\udfff]+$',
  [RULE]: '1 to 1024 bytes of UTF-8 without NUL',
  minLength: 1,
  maxLength: 1024,
  description: 'Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged.'
})

/** A folder of a bucket, as a beginning of file paths. */
export const FolderPath = Type.String({
  pattern: '^([^\\u0000\\ud800-\\udfff]*/)?$',
  [RULE]: 'must end with a slash, or be empty: the root',
  maxLength: 1024,
  description: 'Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket.'
})

/** A file path from a list of HOSTKEY: bounded, otherwise not validated. */
export const ListedPath = Type.String({
  maxLength: 4096,
  description: 'Path inside the bucket, exactly as stored.'
})

/** Number of a pricing plan: a positive 32-bit integer. */
export const PlanId = Type.Integer({
  minimum: 1,
  maximum: 2147483647,
  description: 'Number of a pricing plan.'
})

/** Number of a customer at HOSTKEY. */
export const CustomerId = Type.Integer({ minimum: 1, maximum: 2147483647, description: 'Number of a customer.' })

/** A region such as `NL`. */
export const Location = Type.String({
  pattern: '^[A-Za-z0-9-]{1,32}$',
  [RULE]: '1 to 32 characters: letters, digits, hyphen',
  minLength: 1,
  maxLength: 32,
  description: 'Region code of the storage.'
})

/** A date and time, RFC 3339. */
export const Instant = Type.String({
  format: 'date-time',
  maxLength: 40,
  description: 'Date and time, RFC 3339.'
})

/** A date, `YYYY-MM-DD`. */
export const Day = Type.String({
  format: 'date',
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  [RULE]: 'must be a date, YYYY-MM-DD',
  maxLength: 10,
  description: 'Date, `YYYY-MM-DD`.'
})

/** A count or a size. */
export const WholeNumber = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'A whole number, not negative.'
})

/** A number of bytes. */
export const Bytes = describe(WholeNumber, 'A number of bytes.')

/** Traffic as HOSTKEY reports it. */
export const Traffic = Type.Number({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Traffic as HOSTKEY reports it. HOSTKEY does not document the unit.'
})

/** Text that may quote HOSTKEY or the caller: bounded, any character. */
export const Text = (maxLength: number, description: string) => Type.String({ maxLength, description })

/** Text that only the gateway writes. */
export const OwnText = (maxLength: number, pattern: string, description: string) =>
  Type.String({ maxLength, pattern, description })

/** Text that a caller searches or filters by: bounded, no control characters. */
export const SearchText = (maxLength: number, description: string, minLength = 1) =>
  Type.String({
    minLength,
    maxLength,
    pattern: PLAIN_TEXT,
    [RULE]: `up to ${maxLength} characters without control characters`,
    description
  })

/** A member that holds a credential. Redaction and the cache look for the mark `x-secret`. */
export const Secret = (description: string) => Type.String({ maxLength: 4096, description, 'x-secret': true })

/** `Idempotency-Key`: 16 to 255 characters, chosen by the caller, a new one for each order. */
export const IdempotencyKey = Type.String({
  pattern: '^"?[A-Za-z0-9_.:-]{16,255}"?$',
  [RULE]: '16 to 255 characters: letters, digits, underscore, dot, colon, hyphen',
  minLength: 16,
  maxLength: 257,
  description: 'A new key for each order, the same key for each retry: 16 to 255 characters, such as a random UUID.'
})

/** An id that the gateway makes. */
export const Uuid = Type.String({
  format: 'uuid',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  [RULE]: 'must be an id, as a reply gave it',
  maxLength: 36,
  description: 'An id that the gateway made.'
})
