import { type Static, Type } from 'typebox'
import { describe, model, ref } from './model.ts'
import { FilePathParameter } from './parameters.ts'
import { ProblemDetails } from './problems.ts'
import { BucketName, Bytes, FolderPath, Instant, ListedPath, S3Uid, SearchText, WholeNumber } from './scalars.ts'

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

/** Is the list whole? */
const complete = Type.Boolean({
  description:
    'True when the list ends here and nothing is missing from it. False with a `nextCursor`: there is more. False without: HOSTKEY shows a folder, but not what is inside.'
})

export type FileList = Static<typeof FileList>
export const FileList = model('FileList', 'A page of a list of files.', {
  items: Type.Array(ref(File), { maxItems: 2000, description: 'The files of this page.' }),
  folders: Type.Array(ref(Folder), {
    maxItems: 100000,
    description:
      'The folders directly inside the folder, as far as they are on this page. Empty with `recursive` or `search`.'
  }),
  nextCursor: nextCursor('Cursor of the next page; null on the last page. An empty page can have a next page.'),
  complete
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
        { nextCursor: nextCursor('Cursor to continue with; null at the end of the list.'), complete },
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

/** The query parameters that choose a list. */
const selection = {
  folder: Type.Optional(FolderPath),
  recursive: Type.Boolean({
    default: false,
    description: '`true` lists every file below the folder, in all folders; `false` what is directly inside.'
  }),
  search: Type.Optional(
    SearchText(
      1024,
      'Only files whose path contains this text after the folder, in all folders below. Upper and lower case differ. Empty: no search.',
      0
    )
  )
}

const cursor = Type.Optional(
  Type.String({ minLength: 1, maxLength: 4096, description: '`nextCursor` of an earlier reply, for the same list.' })
)

export const FilesQuery = Type.Object(
  {
    ...selection,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Maximum number of files and folders in the reply. Default: 100.'
      })
    ),
    cursor
  },
  { additionalProperties: false }
)

export const StreamQuery = Type.Object({ ...selection, cursor }, { additionalProperties: false })

export const SummaryQuery = Type.Object({ folder: Type.Optional(FolderPath) }, { additionalProperties: false })

export type FolderSummary = Static<typeof FolderSummary>
export const FolderSummary = model('FolderSummary', 'What is below a folder, in all folders.', {
  files: describe(WholeNumber, 'Number of files.'),
  storageBytes: describe(Bytes, 'Size of the files together, in bytes.'),
  newestModifiedAt: Type.Union([Instant, Type.Null()], {
    description: 'Time of the last change of the newest file; null without files.'
  }),
  complete: Type.Boolean({
    description:
      'False when not every file was counted: after 10 s the gateway stops, and HOSTKEY may not show a folder.'
  })
})

export const FileQuery = Type.Object({ path: FilePathParameter }, { additionalProperties: false })

export const FileAtPath = Type.Object(
  { s3uid: S3Uid, bucket: BucketName, '*': FilePathParameter },
  { additionalProperties: false }
)
