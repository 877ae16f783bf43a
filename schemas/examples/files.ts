import { DONE, type Example, LOST_DELETION } from './example.ts'

const RULE = '1 to 1024 bytes of UTF-8 without NUL'

const bucket = { s3uid: 's3_user_1', bucket: 'holiday-pictures' }
const address = '/accounts/s3_user_1/buckets/logs/files'

const file = (path: string, sizeBytes: number, modifiedAt: string, files = address) => ({
  path,
  name: path,
  sizeBytes,
  modifiedAt,
  links: { self: `${files}?path=${encodeURIComponent(path)}` }
})

const page = {
  items: [
    file('access-00000.log.gz', 4096, '2023-10-27T10:00:00Z'),
    file('access-00001.log.gz', 4097, '2023-10-27T10:01:00Z')
  ],
  folders: [{ path: '2023/' }],
  nextCursor:
    'z2G0TUYMsVQT.WzcsIjIwMjMvIixbIiIsImV5SkRiMjUwYVc1MVlYUnBiMjVVYjJ0bGJpSTZJamt6UkRRMU9Ua3pNVGhCUmpNMVJETTFOelJHTjBVd01TSjkiLCIiXV0',
  complete: false
}

/** A 304 carries it too. */
const headers = { Link: `<${address}?limit=3&cursor=${page.nextCursor}>; rel="next"` }

const winter = file(
  '2021/winter/picture-012.jpg',
  172032,
  '2023-10-27T12:47:00Z',
  '/accounts/s3_user_1/buckets/holiday-pictures/files'
)

const end = { end: { nextCursor: null, complete: true } }

const notACursor = {
  'invalid-cursor': {
    detail: 'The cursor does not belong to this list.',
    errors: [{ in: 'query', parameter: 'cursor', code: 'mismatch', detail: 'is not a cursor of this list' }]
  }
} satisfies Example['problems']

export const files: Record<string, Example> = {
  listFiles: {
    parameters: { ...bucket, bucket: 'logs', limit: 3 },
    replies: { 200: { value: page, headers }, 304: { headers } },
    problems: notACursor
  },
  streamFiles: {
    parameters: bucket,
    replies: {
      200: { parameters: { folder: '2021/winter/', search: '12.jpg' }, lines: [{ file: winter }, end] }
    },
    problems: notACursor
  },
  summarizeFolder: {
    parameters: bucket,
    replies: {
      200: {
        parameters: { folder: '2021/' },
        value: { files: 48, storageBytes: 7102464, newestModifiedAt: '2023-10-27T12:47:00Z', complete: true }
      }
    }
  },
  deleteFile: {
    parameters: { ...bucket, path: 'with space.txt' },
    unfilled: ['path'],
    replies: DONE,
    problems: {
      ...LOST_DELETION,
      'file-path-required': {
        detail: 'The request names no file.',
        errors: [{ in: 'query', parameter: 'path', code: 'missing', detail: 'is missing' }]
      },
      'file-path-encoding': {
        detail: 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.',
        errors: [{ in: 'query', parameter: 'path', code: 'pattern', detail: RULE }]
      }
    }
  },
  deleteFileByPath: {
    parameters: { ...bucket, path: '2021/winter/picture-001.jpg' },
    unfilled: ['path'],
    replies: DONE,
    problems: {
      ...LOST_DELETION,
      'file-path-required': {
        detail: 'The request names no file.',
        errors: [{ in: 'path', parameter: 'path', code: 'too-short', detail: RULE }]
      },
      'file-path-encoding': {
        detail: 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.',
        errors: [{ in: 'path', parameter: 'path', code: 'pattern', detail: RULE }]
      }
    }
  }
}
