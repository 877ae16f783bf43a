import t from 'tap'
import { createLinks } from '../../../src/core/links.ts'

t.test('every link starts with the mount point and encodes the names in it', async t => {
  const links = createLinks('/storage')
  t.equal(links.account('s3_user_1'), '/storage/accounts/s3_user_1')
  t.equal(links.bucket('s3_user_1', 'a/b'), '/storage/accounts/s3_user_1/buckets/a%2Fb')
  t.equal(
    links.file(links.files('s3_user_1', 'logs'), 'a/b?c'),
    '/storage/accounts/s3_user_1/buckets/logs/files?path=a%2Fb%3Fc'
  )
  t.equal(links.order('o1'), '/storage/orders/o1')
  const query = { search: 'ä &', limit: 2, cursor: undefined }
  t.equal(
    links.nextPage(links.files('a', 'b'), query),
    '</storage/accounts/a/buckets/b/files?search=%C3%A4+%26&limit=2>; rel="next"'
  )
})
