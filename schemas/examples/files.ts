import { DONE, type Example, LOST_DELETION } from './example.ts'

const bucket = { s3uid: 's3_user_1', bucket: 'holiday-pictures' }
const address = '/accounts/s3_user_1/buckets/holiday-pictures/files'

const file = (path: string, sizeBytes: number, modifiedAt: string) => ({
  path,
  name: path,
  sizeBytes,
  modifiedAt,
  links: { self: `${address}?path=${encodeURIComponent(path)}` }
})

const items = [
  file('2023/spring/picture-001.jpg', 222208, '2023-10-27T13:36:00Z'),
  file('2023/spring/picture-002.jpg', 223232, '2023-10-27T13:37:00Z')
]

const nextCursor = 'd8Sim9Lw8JrI.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqRkZORVpCUTBSQlFqUTRSalJGTkRWRk1UUkdOVFJGUkNKOQ'

/** Under the same name, also where nothing else is sent. */
const headers = { Link: `<${address}?search=2023%2Fspring&limit=2&cursor=${nextCursor}>; rel="next"` }

export const files: Record<string, Example> = {
  listFiles: {
    parameters: { ...bucket, search: '2023/spring', limit: 2 },
    replies: {
      200: {
        value: {
          items,
          folders: [],
          nextCursor
        },
        lines: [...items.map(file => ({ file })), { end: { nextCursor } }],
        headers
      },
      304: { headers }
    },
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
      'malformed-url': { detail: 'A URL that is sent holds no `#`: encode it as %23.' },
      'file-path-required': {
        detail: 'The request names no file.',
        errors: [{ in: 'query', parameter: 'path', detail: 'is missing' }]
      },
      'file-path-encoding': { detail: 'The query is not well-encoded UTF-8.' }
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
        detail: 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.'
      }
    }
  }
}
