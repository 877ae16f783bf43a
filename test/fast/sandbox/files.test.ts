import t from 'tap'
import { awkwardPaths } from '../../../src/sandbox/fixture-files.ts'
import type { Behaviours } from '../../../src/sandbox/index.ts'
import { harness, type Json, pluck, type SandboxHarness } from './support.ts'

const pictures = { s3uid: 's3_user_1', bucket_name: 'holiday-pictures' }
const logs = { s3uid: 's3_user_1', bucket_name: 'logs' }

/** Every page of a listing. */
const pages = async ({ s3 }: SandboxHarness, fields: Record<string, string | number>): Promise<Json[]> => {
  const all: Json[] = []
  let token: unknown
  do {
    const page = await s3('get_files', { ...fields, ...(typeof token === 'string' && { continuation_token: token }) })
    all.push(page)
    token = page['next_token']
  } while (token && all.length < 10_000)
  return all
}

const pathsOf = (all: Json[]) => all.flatMap(page => pluck(page, 'files', 'original_key'))
const foldersOf = (all: Json[]) => all.flatMap(page => pluck(page, 'folders', 'key'))
const byBytes = (a: unknown, b: unknown) => Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)))

for (const max_keys of [1, 7, 100]) {
  t.test(`pages of ${max_keys} list each file once, in byte order, and respect max_keys`, async t => {
    const b = await harness(t, { behaviours: { listing: 'flat' } })
    const all = await pages(b, { ...pictures, max_keys })
    const stored = b.control.state().buckets.find(bucket => bucket.name === 'holiday-pictures')?.files ?? []
    t.ok(stored.length >= 250)
    t.strictSame(pathsOf(all), stored.map(([path]) => path).sort(byBytes))
    t.ok(all.every(page => pluck(page, 'files', 'key').length <= max_keys))
    t.equal(all.length, Math.ceil(stored.length / max_keys))
  })

  t.test(`pages of ${max_keys} list each file and folder at the root once`, async t => {
    const b = await harness(t)
    const all = await pages(b, { ...pictures, max_keys })
    const stored = (b.control.state().buckets.find(bucket => bucket.name === 'holiday-pictures')?.files ?? []).map(
      ([path]) => path
    )
    const folders = new Set(stored.filter(path => path.includes('/')).map(path => path.slice(0, path.indexOf('/') + 1)))
    t.strictSame(pathsOf(all), stored.filter(path => !path.includes('/')).sort(byBytes))
    t.strictSame(foldersOf(all), [...folders].sort(byBytes))
    t.strictSame(foldersOf(all), ['../', '/', '2021/', '2022/', '2023/', 'a/', 'trail/'])
  })
}

t.test('a page has at most 100 entries, whatever max_keys is', async t => {
  const b = await harness(t)
  const all = await pages(b, { ...logs, max_keys: 5000 })
  t.equal(all.length, 51)
  t.equal(new Set(pathsOf(all)).size, 5000)
  const first = await b.s3('get_files', logs)
  t.equal(pluck(first, 'files', 'key').length + pluck(first, 'folders', 'key').length, 100, 'without max_keys')
})

t.test('the fixture holds the awkward paths, and each can be deleted byte for byte', async t => {
  const { s3 } = await harness(t)
  for (const filename of awkwardPaths) {
    t.match(await s3('delete_file', { ...pictures, filename }), { result: 'OK' }, JSON.stringify(filename.slice(0, 40)))
    t.match(await s3('delete_file', { ...pictures, filename }), { message: 'Delete S3 file error: File not found' })
  }
  t.match(await s3('delete_file', { ...pictures, bucket_name: 'none', filename: 'a' }), {
    message: 'Delete S3 file error: NoSuchBucket'
  })
  t.ok(awkwardPaths.some(path => Buffer.byteLength(path) === 1024))
})

t.test(
  'search matches a part of the path in any case, without folders; searchMode=prefix finds beginnings',
  async t => {
    const b = await harness(t)
    const found = await pages(b, { ...pictures, search: 'BEACH/', max_keys: 10 })
    t.equal(pathsOf(found).length, 36)
    t.ok(pathsOf(found).every(path => String(path).includes('/beach/')))
    t.strictSame(foldersOf(found), [])
    b.control.setBehaviours({ searchMode: 'prefix', searchListing: 'delimited', searchCase: 'sensitive' })
    const inside = await pages(b, { ...pictures, search: '2021/', max_keys: 1 })
    t.strictSame(foldersOf(inside), ['2021/spring/', '2021/summer/', '2021/winter/'])
    t.equal(pathsOf(await pages(b, { ...pictures, search: '2021/summer/beach/', max_keys: 5 })).length, 12)
  }
)

t.test('a cursor is valid only for its bucket and search', async t => {
  const { s3 } = await harness(t)
  const page = await s3('get_files', { ...pictures, max_keys: 1 })
  const continuation_token = String(page['next_token'])
  t.match(Buffer.from(continuation_token, 'base64').toString(), /^\{"ContinuationToken":"[0-9A-F]+"\}$/)
  const refused = {
    code: -1,
    message: 's3/get_files: Load S3 files error: The continuation token provided is incorrect'
  }
  t.strictSame(await s3('get_files', { ...logs, continuation_token }), refused)
  t.strictSame(await s3('get_files', { ...pictures, continuation_token, search: 'a' }), refused)
  t.strictSame(await s3('get_files', { ...pictures, continuation_token: 'nonsense' }), refused)
  t.match(await s3('get_files', { ...pictures, continuation_token }), { result: 'OK' })
})

t.test('a deletion between two pages neither repeats nor skips other files', async t => {
  const { s3 } = await harness(t)
  const first = await s3('get_files', { ...logs, max_keys: 3 })
  const filename = String(pluck(first, 'files', 'original_key').at(-1))
  await s3('delete_file', { ...logs, filename })
  const second = await s3('get_files', { ...logs, max_keys: 1, continuation_token: String(first['next_token']) })
  t.strictSame(pluck(second, 'files', 'original_key'), ['access-00002.log.gz'])
})

t.test('nextTokenEnd: the last page has each of four endings', async t => {
  const { s3, control } = await harness(t)
  const end = async (nextTokenEnd: Behaviours['nextTokenEnd']) => {
    control.setBehaviours({ nextTokenEnd })
    const page = await s3('get_files', { ...pictures, bucket_name: 'empty-bucket' })
    return 'next_token' in page ? page['next_token'] : 'absent'
  }
  t.strictSame(
    [await end('null'), await end('absent'), await end('empty'), await end('false')],
    [null, 'absent', '', false]
  )
})

t.test('displayKey=basename prints a key that is not the path', async t => {
  const { s3 } = await harness(t, { behaviours: { displayKey: 'basename' } })
  const page = await s3('get_files', { ...pictures, search: '2021/spring/picture-001' })
  t.match(page, { files: [{ key: 'picture-001.jpg', original_key: '2021/spring/picture-001.jpg' }] })
})

t.test('a path that is not UTF-8 empties the whole reply', async t => {
  const { post, control, demo } = await harness(t)
  control.putFile('empty-bucket', '\ud800')
  const answer = await post('s3.php', {
    action: 'get_files',
    token: demo.token,
    ...pictures,
    bucket_name: 'empty-bucket'
  })
  t.equal(answer.status, 200)
  t.equal(await answer.text(), '')
})
