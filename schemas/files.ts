import { type Static, Type } from 'typebox'
import { describe, model, ref } from './model.ts'
import { FilePathParameter } from './parameters.ts'
import { ProblemDetails } from './problems.ts'
import { BucketName, Bytes, Instant, ListedPath, S3Uid, SearchText } from './scalars.ts'

export type File = Static<typeof File>
export const File = model('File', 'A file in a bucket.', {
  path: ListedPath,
  name: Type.Optional(
    Type.String({ maxLength: 4096, description: 'Display name at HOSTKEY. Use `path` in requests.' })
  ),
  sizeBytes: Type.Optional(describe(Bytes, 'Size, in bytes.')),
  modifiedAt: Type.Optional(describe(Instant, 'Time of the last change.')),
  links: Type.Object(
    {
      self: Type.String({
        format: 'uri-reference',
        maxLength: 16384,
        description: 'Address for deleting this file: an absolute path that includes the mount path.'
      })
    },
    { additionalProperties: false, description: 'Addresses of related operations.' }
  )
})

export type Folder = Static<typeof Folder>
export const Folder = model('Folder', 'A folder in a bucket: the common beginning of file paths, up to a slash.', {
  path: ListedPath
})

/** Form of a cursor in replies. A request with another form gets `invalid-cursor`, not `invalid-request`. */
const CURSOR = '^[A-Za-z0-9_-]{12}\\.[A-Za-z0-9_-]+$'

const nextCursor = (description: string) =>
  Type.Union([Type.String({ maxLength: 4096, pattern: CURSOR }), Type.Null()], { description })

export type FileList = Static<typeof FileList>
export const FileList = model('FileList', 'A page of files and folders.', {
  items: Type.Array(ref(File), { maxItems: 2000, description: 'The files of this page.' }),
  folders: Type.Array(ref(Folder), { maxItems: 100000, description: 'The folders of this page.' }),
  nextCursor: nextCursor('Cursor of the next page; null on the last page. An empty page can have a next page.')
})

export type FileLine = Static<typeof FileLine>
export const FileLine = model(
  'FileLine',
  'One line of a list of files: a file, a folder, or the last line, which reports how the list ended.',
  {
    file: Type.Optional(ref(File)),
    folder: Type.Optional(ref(Folder)),
    end: Type.Optional(
      Type.Object(
        { nextCursor: nextCursor('Cursor to continue with; null at the end of the list.') },
        {
          additionalProperties: false,
          description:
            'The last line. `nextCursor` is null when the list is complete. Otherwise `limit` was reached, or this replica is shutting down: continue with `nextCursor` as `cursor`.'
        }
      )
    ),
    problem: Type.Optional(ref(ProblemDetails))
  },
  { minProperties: 1, maxProperties: 1 }
)

export const FilesQuery = Type.Object(
  {
    search: Type.Optional(
      SearchText(
        1024,
        'Search text, passed to HOSTKEY unchanged. HOSTKEY does not document whether it matches a prefix or any part of the path.'
      )
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description:
          'Maximum number of files and folders in the reply. Default: 100; for `application/x-ndjson` no maximum.'
      })
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4096, description: '`nextCursor` of the previous page.' })
    )
  },
  { additionalProperties: false }
)

export const FileQuery = Type.Object({ path: FilePathParameter }, { additionalProperties: false })

export const FileAtPath = Type.Object(
  { s3uid: S3Uid, bucket: BucketName, '*': FilePathParameter },
  { additionalProperties: false }
)
