import { DONE, type Example, LOST_DELETION } from './example.ts'

const PATTERN = 'must match pattern "^[^\\u0000\\ud800-\\udfff]+$"'

const bucket = { s3uid: 's3_user_1', bucket: 'holiday-pictures' }
const address = '/accounts/s3_user_1/buckets/logs/files'

const file = (path: string, sizeBytes: number, modifiedAt: string) => ({
  path,
  name: path,
  sizeBytes,
  modifiedAt,
  links: { self: `${address}?path=${encodeURIComponent(path)}` }
})

const page = {
  items: [
    file('access-00000.log.gz', 4096, '2023-10-27T10:00:00Z'),
    file('access-00001.log.gz', 4097, '2023-10-27T10:01:00Z')
  ],
  folders: [{ path: '2023/' }],
  nextCursor: '9f4ZoiuDUxSJ.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqa3pSRFExT1Rrek1UaEJSak0xUkRNMU56UkdOMFV3TVNKOQ'
}

/** The same page as `application/x-ndjson`: folders first, the end last. */
const lines = [
  ...page.folders.map(folder => ({ folder })),
  ...page.items.map(file => ({ file })),
  { end: { nextCursor: page.nextCursor } }
]

/** A 304 carries it too. */
const headers = { Link: `<${address}?limit=3&cursor=${page.nextCursor}>; rel="next"` }

export const files: Record<string, Example> = {
  listFiles: {
    parameters: { ...bucket, bucket: 'logs', limit: 3 },
    replies: { 200: { value: page, lines, headers }, 304: { headers } },
    problems: {
      'invalid-cursor': {
        detail: 'The cursor does not belong to this list.',
        errors: [{ in: 'query', parameter: 'cursor', detail: 'is not a cursor of this list' }]
      }
    }
  },
  deleteFile: {
    parameters: { ...bucket, path: 'with space.txt' },
    replies: DONE,
    problems: {
      ...LOST_DELETION,
      'file-path-required': {
        detail: 'The request names no file.',
        errors: [{ in: 'query', parameter: 'path', detail: 'is missing' }]
      },
      'file-path-encoding': {
        detail: 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.',
        errors: [{ in: 'query', parameter: 'path', detail: PATTERN }]
      }
    }
  },
  deleteFileByPath: {
    parameters: { ...bucket, path: '2021/winter/picture-001.jpg' },
    replies: DONE,
    problems: {
      ...LOST_DELETION,
      'file-path-required': {
        detail: 'The request names no file.',
        errors: [{ in: 'path', parameter: 'path', detail: 'must NOT have fewer than 1 characters' }]
      },
      'file-path-encoding': {
        detail: 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.',
        errors: [{ in: 'path', parameter: 'path', detail: PATTERN }]
      }
    }
  }
}
