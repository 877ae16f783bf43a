import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const FILES = '/accounts/s3_user_1/buckets/logs/files'
const PICTURES = '/accounts/s3_user_1/buckets/holiday-pictures/files'

interface Page {
  items: { path: string; links: { self: string } }[]
  folders: { path: string }[]
  nextCursor: string | null
}

t.test('GET /accounts/:s3uid/buckets/:bucket/files', async t => {
  const { get, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const filesOf = (name: string) => control.state().buckets.find(bucket => bucket.name === name)?.files ?? []
  const names = (list: { path: string }[]) => list.map(({ path }) => path)
  const walk = async (address: string): Promise<Page[]> => {
    const pages: Page[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = (await get(`${address}${cursor && `&cursor=${cursor}`}`)).json()
      pages.push(page)
      cursor = page.nextCursor
    }
    return pages
  }
  t.beforeEach(() => control.reset())

  t.test('200 lists files and folders with exactly the documented members', async t => {
    const reply = await get(`${FILES}?limit=2`)
    t.equal(reply.statusCode, 200)
    const { nextCursor, ...page } = reply.json()
    t.strictSame(page, {
      items: [
        {
          path: 'access-00000.log.gz',
          name: 'access-00000.log.gz',
          sizeBytes: 4096,
          modifiedAt: '2023-10-27T10:00:00Z',
          links: { self: `${FILES}?path=access-00000.log.gz` }
        }
      ],
      folders: [{ path: '2023/' }],
      complete: false
    })
    t.match(nextCursor, /^[A-Za-z0-9._-]+$/, 'fits into a URL without encoding')
    t.equal(reply.headers['link'], `<${FILES}?limit=2&cursor=${nextCursor}>; rel="next"`)
  })

  t.test('200 with the path that deletes as `path`, and the one that HOSTKEY displays as `name`', async t => {
    control.setBehaviours({ displayKey: 'basename' })
    const reply = await get(`${FILES}?recursive=true&limit=1`)
    t.match(reply.json().items, [{ path: '2023/10/01/error-0000.log', name: 'error-0000.log' }])
    t.equal(reply.json().items[0].links.self, `${FILES}?path=2023%2F10%2F01%2Ferror-0000.log`)
  })

  for (const limit of [7, 250]) {
    const bucket = limit < 100 ? 'holiday-pictures' : 'logs'
    t.test(`200 lists each file and folder once in pages of at most ${limit}`, async t => {
      const pages = await walk(`/accounts/s3_user_1/buckets/${bucket}/files?limit=${limit}`)
      const atRoot = filesOf(bucket)
        .map(([path]) => path)
        .filter(path => !path.includes('/'))
      t.ok(atRoot.length > 120)
      const items = pages.flatMap(page => page.items)
      t.strictSame(names(items).sort(), atRoot.sort())
      const folders = pages.flatMap(page => names(page.folders))
      t.equal(new Set(folders).size, folders.length)
      t.ok(pages.every(({ items, folders }) => items.length + folders.length <= limit))
      t.equal(pages.length, Math.ceil((items.length + folders.length) / limit))
      const self = items.map(({ links }) => ({ path: new URL(links.self, 'http://x').searchParams.get('path') ?? '' }))
      t.strictSame(names(self), names(items))
    })
  }

  t.test('200 joins pages of HOSTKEY, which have at most 100 files; the default limit is 100', async t => {
    await get(`${FILES}?limit=250`)
    const { items, folders } = (await get(FILES)).json()
    t.equal(items.length + folders.length, 100)
    t.strictSame(
      control.calls().map(({ fields }) => fields['max_keys']),
      ['100', '100', '50', '100']
    )
  })

  t.test('200 ends the list for each next_token that HOSTKEY may send at its end', async t => {
    for (const nextTokenEnd of ['null', 'absent', 'empty', 'false'] as const) {
      control.setBehaviours({ nextTokenEnd })
      const reply = await get('/accounts/s3_user_1/buckets/empty-bucket/files')
      t.strictSame(reply.json(), { items: [], folders: [], nextCursor: null, complete: true }, nextTokenEnd)
      t.equal(reply.headers['link'], undefined)
      t.equal((await get(`${PICTURES}?limit=1000`)).json().nextCursor, null)
    }
  })

  t.test('200 lists what is searched for, in pages', async t => {
    const expected = filesOf('logs').filter(([path]) => path.includes('error-000'))
    t.equal(expected.length, 10)
    const pages = await walk(`${FILES}?search=error-000&limit=4`)
    t.strictSame(
      pages.flatMap(({ items }) => names(items)),
      expected.map(([path]) => path)
    )
    t.ok(
      control.calls().every(({ fields }) => fields['search'] === 'error-000'),
      'HOSTKEY’s search is enough'
    )
  })

  t.test('200 lists what is inside a folder; an empty folder or search is none', async t => {
    const { items, folders, complete } = (await get(`${PICTURES}?folder=2021/summer/`)).json()
    t.strictSame([items, names(folders), complete], [[], ['2021/summer/beach/', '2021/summer/mountains/'], true])
    t.same((await get(`${FILES}?folder=&search=&limit=2`)).json().items, (await get(`${FILES}?limit=2`)).json().items)
    t.match((await get(`${PICTURES}?folder=nothing/`)).json(), { items: [], folders: [], complete: true })
    for (const folder of ['2021', 'a%00/']) {
      fails(t, await get(`${PICTURES}?folder=${folder}`), 400, 'invalid-request')
    }
  })

  t.test('200 counts what is below a folder', async t => {
    const below = filesOf('holiday-pictures').filter(([path]) => path.startsWith('2022/'))
    const summary = (await get(`${PICTURES.replace(/files$/, 'folders/summary')}?folder=2022/`)).json()
    t.strictSame(summary, {
      files: below.length,
      storageBytes: below.reduce((sum, [, size]) => sum + size, 0),
      newestModifiedAt: '2023-10-27T13:35:00Z',
      complete: true
    })
    t.strictSame((await get('/accounts/s3_user_1/buckets/empty-bucket/folders/summary')).json(), {
      files: 0,
      storageBytes: 0,
      newestModifiedAt: null,
      complete: true
    })
  })

  t.test('200 with a Link header that encodes the search', async t => {
    for (let n = 0; n < 3; n += 1) control.putFile('logs', `ä & b+c?%${n}.txt`)
    const first = await get(`${FILES}?search=${encodeURIComponent('ä & b+c?%')}&limit=2`)
    t.equal(first.json().items.length, 2)
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers['link'] ?? '')?.[1] ?? ''
    t.strictSame(names((await get(next)).json().items), ['ä & b+c?%2.txt'])
  })

  t.test(
    '400 invalid-cursor when the cursor belongs to another list or is malformed; HOSTKEY is not called',
    async t => {
      const { nextCursor } = (await get(`${FILES}?limit=1`)).json()
      const scope = nextCursor.split('.')[0]
      control.clearCalls()
      for (const address of [
        `${PICTURES}?cursor=${nextCursor}`,
        `${FILES}?search=access&cursor=${nextCursor}`,
        `${FILES}?recursive=true&cursor=${nextCursor}`,
        `${FILES}?folder=2023/&cursor=${nextCursor}`,
        `/accounts/s3_user_2/buckets/logs/files?cursor=${nextCursor}`,
        ...['x', '.', 'a.b', `${scope}.`, scope, `${scope}.!!!`, `${nextCursor}.x`, '\0', '\u{1f600}'].map(
          cursor => `${FILES}?cursor=${encodeURIComponent(cursor)}`
        )
      ]) {
        fails(t, await get(address), 400, 'invalid-cursor', { retryable: false })
      }
      t.strictSame(asked(), [])
    }
  )

  t.test('400 invalid-cursor when HOSTKEY refuses its token', async t => {
    const { nextCursor } = (await get(`${FILES}?limit=1`)).json()
    const text = 's3/get_files: Load S3 files error: The continuation token provided is incorrect'
    control.fault({ kind: 'refusal', text })
    fails(t, await get(`${FILES}?cursor=${nextCursor}`), 400, 'invalid-cursor')
  })

  t.test('404 when the bucket or the account is missing, or belongs to another customer', async t => {
    for (const [path, problem] of [
      ['s3_user_1/buckets/nothing', 'bucket-not-found'],
      ['s3_user_1/buckets/other-bucket', 'bucket-not-found'],
      ['s3_user_2/buckets/other-bucket', 'account-not-found']
    ] as const) {
      fails(t, await get(`/accounts/${path}/files`), 404, problem)
    }
  })

  t.test('502 upstream-bad-response, not an empty list, when a name that is not UTF-8 empties the reply', async t => {
    control.fault({ kind: 'empty-200' })
    fails(t, await get(FILES), 502, 'upstream-bad-response', { retryable: true })
  })

  t.test('502 upstream-storage-error when the storage fails on a later page', async t => {
    const text = 's3/get_files: Load S3 files error: InternalError'
    control.fault({ kind: 'refusal', text, after: 1 })
    fails(t, await get(`${FILES}?limit=250`), 502, 'upstream-storage-error', { retryable: true })
  })
})
