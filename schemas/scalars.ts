import { Type } from 'typebox'

/** No C0 control character, no DEL, and no half of a surrogate pair (the patterns run with the `u` flag). */
const PLAIN_TEXT = '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$'

/** Name of an S3 account at HOSTKEY. Opaque; the vendor page shows `s3_user_12345` (documented), its real form is unknown. */
export const S3Uid = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  minLength: 1,
  maxLength: 64,
  description: 'Name of an S3 account. Opaque.'
})

/** Name of a bucket to be made. Amazon's rule, assumed: HOSTKEY documents none. HOSTKEY may put a prefix before it (observed). */
export const NewBucketName = Type.String({
  pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
  minLength: 3,
  maxLength: 63,
  description: 'Wished name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen. HOSTKEY may put a prefix before it.'
})

/** Name of a bucket that exists. Lenient on purpose: whatever HOSTKEY lists can be read and deleted. */
export const BucketName = Type.String({
  pattern: '^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
  minLength: 1,
  maxLength: 255,
  description: 'Name of a bucket, exactly as it is listed.'
})

/**
 * Path of a file inside its bucket: 1 to 1024 bytes of UTF-8 without NUL, taken as it is and never normalised.
 * The schema counts characters; `assertFilePath` counts bytes.
 */
export const FilePath = Type.String({
  pattern: '^[^\\u0000\\ud800-\\udfff]+$',
  minLength: 1,
  maxLength: 1024,
  description: 'Path of a file inside its bucket, 1 to 1024 bytes of UTF-8, taken exactly as it is.'
})

/** A file path as HOSTKEY lists it: bounded, and not judged. */
export const ListedPath = Type.String({
  maxLength: 4096,
  description: 'Path inside the bucket, exactly as it is stored.'
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
  minLength: 1,
  maxLength: 32,
  description: 'Region code of the storage.'
})

/** A moment, RFC 3339. */
export const Instant = Type.String({
  format: 'date-time',
  maxLength: 40,
  description: 'A moment, RFC 3339.'
})

/** A day, `YYYY-MM-DD`. */
export const Day = Type.String({
  format: 'date',
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  maxLength: 10,
  description: 'A day, `YYYY-MM-DD`.'
})

/** A number of bytes. */
export const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'A number of bytes.' })

/** Traffic as HOSTKEY counts it. */
export const Traffic = Type.Number({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Traffic as HOSTKEY counts it; the unit is not documented.'
})

/** Text that repeats what HOSTKEY or the caller said: bounded, and any character may be in it. */
export const Text = (maxLength: number, description: string) => Type.String({ maxLength, description })

/** Text in our own words. */
export const OwnText = (maxLength: number, pattern: string, description: string) =>
  Type.String({ maxLength, pattern, description })

/** Text that a caller searches or filters by: bounded, and without control characters. */
export const SearchText = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: PLAIN_TEXT, description })

/** A field that holds a credential. The mark `x-secret` is what redaction and the cache obey. */
export const Secret = (description: string) => Type.String({ maxLength: 4096, description, 'x-secret': true })

/** `Idempotency-Key`: 16 to 255 characters, chosen by the caller, one for each intent. */
export const IdempotencyKey = Type.String({
  pattern: '^"?[A-Za-z0-9_.:-]{16,255}"?$',
  minLength: 16,
  maxLength: 257,
  description: 'One key for each intent, 16 to 255 characters: a random UUID serves.'
})

/** Number of an order in the gateway's ledger. */
export const OrderId = Type.String({
  format: 'uuid',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  maxLength: 36,
  description: 'Name of an order.'
})
