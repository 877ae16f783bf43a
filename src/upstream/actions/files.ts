import { Type } from 'typebox'
import { Amount, action, eitherOf, inOrder, matches, matchesLast } from './action.ts'

/** Largest page of files: `max_keys` is "up to 100" (documented). */
export const MAX_KEYS = 100

/** s3/get_files: a page of files and folders. On the last page `next_token` is absent, null, empty or false (assumed). */
export const getFiles = action({
  name: 'get_files',
  effect: 'read',
  params: Type.Object({
    s3uid: Type.String(),
    bucket_name: Type.String(),
    continuation_token: Type.Optional(Type.String()),
    max_keys: Type.Integer(),
    search: Type.Optional(Type.String())
  }),
  result: Type.Object({
    files: Type.Array(
      Type.Object({
        key: Type.Optional(Type.String()),
        original_key: Type.String({ minLength: 1, 'x-fallback': 'key' }),
        size: Type.Optional(Amount),
        last_modified: Type.Optional(Type.String())
      })
    ),
    folders: Type.Optional(Type.Array(Type.Object({ key: Type.String() }))),
    next_token: Type.Optional(Type.Union([Type.String(), Type.Literal(false), Type.Null()]))
  }),
  example: {
    files: [
      { key: 'folder/file.txt', original_key: 'folder/file.txt', size: 1024, last_modified: '2023-10-27T10:00:00Z' }
    ],
    folders: [{ key: 'folder/' }],
    next_token: 'eyJDb250aW51YXRpb25Ub2tlbiI6IkFCQzEyMyJ9'
  },
  failures: {
    'bucket-not-found': matches(
      eitherOf(
        inOrder(/^s3\/get_files:/i, /NoSuchBucket/i),
        inOrder(/^s3\/get_files:/i, /bucket/i, /not found|does not exist/i)
      ),
      's3/get_files: Load S3 files error: NoSuchBucket'
    ),
    'invalid-cursor': matches(
      eitherOf(inOrder(/^s3\/get_files:/i, /continuation/i), inOrder(/^s3\/get_files:/i, /invalid/i, /token/i)),
      's3/get_files: Load S3 files error: The continuation token provided is incorrect'
    ),
    'upstream-storage-error': matchesLast(
      /^s3\/get_files: Load S3 files error:/i,
      's3/get_files: Load S3 files error: ...'
    )
  }
})

/** s3/delete_file: one file. Its name must match byte for byte. */
export const deleteFile = action({
  name: 'delete_file',
  effect: 'write',
  params: Type.Object({ s3uid: Type.String(), bucket_name: Type.String(), filename: Type.String() }),
  result: Type.Object({ message: Type.Optional(Type.Unknown()) }),
  example: { message: 'File deleted successfully' },
  failures: {
    'file-not-found': matches(
      inOrder(/^Delete S3 file error:/i, /File not found|NoSuchKey/i),
      'Delete S3 file error: File not found'
    ),
    'bucket-not-found': matches(
      eitherOf(
        inOrder(/^Delete S3 file error:/i, /NoSuchBucket/i),
        inOrder(/^Delete S3 file error:/i, /bucket/i, /not found|does not exist/i)
      ),
      'Delete S3 file error: NoSuchBucket'
    ),
    'upstream-storage-error': matchesLast(/^Delete S3 file error:/i, 'Delete S3 file error: InternalError', 'unknown')
  }
})
