import { DONE, type Example } from './example.ts'

const bucket = { s3uid: 's3_user_1', bucket: 'holiday-pictures' }
const address = '/accounts/s3_user_1/buckets/holiday-pictures/files'

const file = (path: string, sizeBytes: number, modifiedAt: string) => ({
  path,
  name: path,
  sizeBytes,
  modifiedAt,
  links: { self: `${address}?path=${encodeURIComponent(path)}` }
})

export const files: Record<string, Example> = {
  listFiles: {
    parameters: { ...bucket, search: '2023/spring', limit: 2 },
    replies: {
      200: {
        value: {
          items: [
            file('2023/spring/picture-001.jpg', 222208, '2023-10-27T13:36:00Z'),
            file('2023/spring/picture-002.jpg', 223232, '2023-10-27T13:37:00Z')
          ],
          folders: [],
          nextCursor:
            'd8Sim9Lw8JrI.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqRkZORVpCUTBSQlFqUTRSalJGTkRWRk1UUkdOVFJGUkNKOQ'
        }
      }
    }
  },
  deleteFile: { parameters: { ...bucket, path: 'with space.txt' }, replies: DONE },
  deleteFileByPath: { parameters: { ...bucket, path: '2021/winter/picture-001.jpg' }, replies: DONE }
}
