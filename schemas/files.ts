import { type Static, Type } from 'typebox'
import { model, ref, told } from './model.ts'
import { ProblemDetails } from './problems.ts'
import { BucketName, Bytes, FilePath, Instant, ListedPath, S3Uid, SearchText } from './scalars.ts'

export type File = Static<typeof File>
export const File = model('File', 'A file in a bucket.', {
  path: ListedPath,
  name: Type.Optional(Type.String({ maxLength: 4096, description: 'The path as HOSTKEY displays it.' })),
  sizeBytes: Type.Optional(told(Bytes, 'How many bytes it has.')),
  modifiedAt: Type.Optional(told(Instant, 'When it was last changed.')),
  links: Type.Object(
    {
      self: Type.String({
        format: 'uri-reference',
        maxLength: 16384,
        description: 'Address of this file, to delete it: a path from the root of the server, mount point included.'
      })
    },
    { additionalProperties: false, description: 'Addresses.' }
  )
})

export type Folder = Static<typeof Folder>
export const Folder = model('Folder', 'A folder in a bucket: what several files share before a slash.', {
  path: ListedPath
})

/** What a cursor looks like; one that does not is refused by name, not by its form. */
const CURSOR = '^[A-Za-z0-9_-]{12}\\.[A-Za-z0-9_-]+$'

const nextCursor = (description: string) =>
  Type.Union([Type.String({ maxLength: 4096, pattern: CURSOR }), Type.Null()], { description })

export type FileList = Static<typeof FileList>
export const FileList = model('FileList', 'A page of files and folders.', {
  items: Type.Array(ref(File), { maxItems: 2000, description: 'The files of this page.' }),
  folders: Type.Array(ref(Folder), { maxItems: 100000, description: 'The folders of this page.' }),
  nextCursor: nextCursor(
    'Where the next page begins; null on the last page. A page may be empty and still have a next one.'
  )
})

export type FileLine = Static<typeof FileLine>
export const FileLine = model(
  'FileLine',
  'One line of a list of files: a file, a folder, or as the last line how it ended.',
  {
    file: Type.Optional(ref(File)),
    folder: Type.Optional(ref(Folder)),
    end: Type.Optional(
      Type.Object(
        { nextCursor: nextCursor('Where the list goes on; null at its end.') },
        {
          additionalProperties: false,
          description:
            'The last line. `nextCursor` is null when everything was sent; else ask again with it: `limit` was reached, or this replica is shutting down.'
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
      SearchText(1024, 'Passed to HOSTKEY as it is: whether it is a prefix or a part of the path is not documented.')
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'At most so many files and folders. When left out: 100, or as lines all of them.'
      })
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4096, description: '`nextCursor` of the page before.' })
    )
  },
  { additionalProperties: false }
)

export const FileQuery = Type.Object({ path: FilePath }, { additionalProperties: false })

export const FileAtPath = Type.Object(
  { s3uid: S3Uid, bucket: BucketName, '*': FilePath },
  { additionalProperties: false }
)
