import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const FILES = '/accounts/s3_user_1/buckets/logs/files'

interface Page {
  items: { path: string }[]
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

  t.test('200 lists files and folders, each member in our words and no other', async t => {
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
      folders: [{ path: '2023/' }]
    })
    t.match(nextCursor, /^[A-Za-z0-9._-]+$/, 'fit for a URL as it is')
    t.equal(reply.headers['link'], `<${FILES}?limit=2&cursor=${nextCursor}>; rel="next"`)
  })

  t.test('200 gives the path that deletes as `path`, and the one that HOSTKEY displays as `name`', async t => {
    control.setBehaviours({ displayKey: 'basename', listing: 'flat' })
    const reply = await get(`${FILES}?limit=1`)
    t.match(reply.json().items, [{ path: '2023/10/01/error-0000.log', name: 'error-0000.log' }])
    t.equal(reply.json().items[0].links.self, `${FILES}?path=2023%2F10%2F01%2Ferror-0000.log`)
  })

  for (const limit of [1, 7, 100, 250, 1000]) {
    // A page of one file is one request each: a smaller bucket does.
    const bucket = limit < 100 ? 'holiday-pictures' : 'logs'
    t.test(`200 shows each file once in pages of ${limit}, none larger`, async t => {
      const pages = await walk(`/accounts/s3_user_1/buckets/${bucket}/files?limit=${limit}`)
      const atRoot = filesOf(bucket)
        .map(([path]) => path)
        .filter(path => !path.includes('/'))
      t.ok(atRoot.length > 120)
      const listed = pages.flatMap(({ items }) => names(items))
      t.strictSame([...listed].sort(), atRoot.sort())
      const folders = pages.flatMap(page => names(page.folders))
      t.equal(new Set(folders).size, folders.length, 'nor a folder twice')
      t.ok(pages.every(({ items, folders }) => items.length + folders.length <= limit))
      t.equal(pages.length, Math.ceil((listed.length + folders.length) / limit))
    })
  }

  t.test('200 asks for no more than HOSTKEY gives: 250 files are pages of 100, 100 and 50', async t => {
    await get(`${FILES}?limit=250`)
    t.strictSame(
      control.calls().map(({ fields }) => fields['max_keys']),
      ['100', '100', '50']
    )
  })

  t.test('200 with a hundred when no limit is named', async t => {
    const { items, folders } = (await get(FILES)).json()
    t.equal(items.length + folders.length, 100)
    t.strictSame(asked(), ['get_files'])
  })

  for (const nextTokenEnd of ['null', 'absent', 'empty', 'false'] as const) {
    t.test(`200 ends the list when HOSTKEY’s next_token is ${nextTokenEnd}`, async t => {
      control.setBehaviours({ nextTokenEnd })
      const reply = await get('/accounts/s3_user_1/buckets/empty-bucket/files')
      t.strictSame(reply.json(), { items: [], folders: [], nextCursor: null })
      t.equal(reply.headers['link'], undefined)
      const [last] = (await walk('/accounts/s3_user_1/buckets/holiday-pictures/files?limit=1000')).slice(-1)
      t.equal(last?.nextCursor, null)
    })
  }

  t.test('200 with what is searched for, and pages of it', async t => {
    const expected = filesOf('logs').filter(([path]) => path.includes('error-000'))
    t.equal(expected.length, 10)
    const pages = await walk(`${FILES}?search=error-000&limit=4`)
    t.equal(new Set(pages.flatMap(({ items }) => names(items))).size, expected.length)
    t.ok(control.calls().every(({ fields }) => fields['search'] === 'error-000'))
  })

  t.test('200 follows the Link header with a search that needs encoding', async t => {
    for (let n = 0; n < 3; n += 1) control.putFile('logs', `ä & b+c?%${n}.txt`)
    const first = await get(`${FILES}?search=${encodeURIComponent('ä & b+c?%')}&limit=2`)
    t.equal(first.json().items.length, 2)
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers['link'] ?? '')?.[1] ?? ''
    t.strictSame(names((await get(next)).json().items), ['ä & b+c?%2.txt'])
  })

  t.test('200 gives addresses under the mount point, and paths that need encoding are encoded', async t => {
    const paths = (await walk('/accounts/s3_user_1/buckets/holiday-pictures/files?limit=1000')).flatMap(p => p.items)
    for (const { path, links } of paths as { path: string; links: { self: string } }[]) {
      t.equal(new URL(links.self, 'http://x').searchParams.get('path'), path)
    }
  })

  t.test('400 invalid-cursor when the cursor is of another bucket, search or account', async t => {
    const { nextCursor } = (await get(`${FILES}?limit=1`)).json()
    control.clearCalls()
    for (const address of [
      `/accounts/s3_user_1/buckets/holiday-pictures/files?cursor=${nextCursor}`,
      `${FILES}?search=access&cursor=${nextCursor}`,
      `/accounts/s3_user_2/buckets/logs/files?cursor=${nextCursor}`
    ]) {
      fails(t, await get(address), 400, 'invalid-cursor', {
        retryable: false,
        errors: [{ in: 'query', parameter: 'cursor', detail: 'is not a cursor of this list' }]
      })
    }
    t.strictSame(asked(), [], 'HOSTKEY is not asked')
  })

  t.test('400 invalid-cursor when it is garbage', async t => {
    const { nextCursor } = (await get(`${FILES}?limit=1`)).json()
    const mark = nextCursor.split('.')[0]
    control.clearCalls()
    for (const cursor of [
      'x',
      '.',
      'a.b',
      `${mark}.`,
      `${mark}`,
      `${mark}.!!!`,
      `${nextCursor}.x`,
      '%00',
      '\u{1f600}'
    ]) {
      fails(t, await get(`${FILES}?cursor=${encodeURIComponent(cursor)}`), 400, 'invalid-cursor')
    }
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-cursor when HOSTKEY no longer knows it', async t => {
    const { nextCursor } = (await get(`${FILES}?limit=1`)).json()
    const text = 's3/get_files: Load S3 files error: The continuation token provided is incorrect'
    control.fault({ kind: 'refusal', text })
    fails(t, await get(`${FILES}?cursor=${nextCursor}`), 400, 'invalid-cursor')
  })

  t.test('404 bucket-not-found when there is none', async t => {
    fails(t, await get('/accounts/s3_user_1/buckets/nothing/files'), 404, 'bucket-not-found')
  })

  t.test('404 bucket-not-found when it is another account’s', async t => {
    fails(t, await get('/accounts/s3_user_1/buckets/other-bucket/files'), 404, 'bucket-not-found')
  })

  t.test('404 account-not-found when it is another customer’s', async t => {
    fails(t, await get('/accounts/s3_user_2/buckets/other-bucket/files'), 404, 'account-not-found')
  })

  t.test('502 upstream-bad-response, not an empty list, when a name that is no UTF-8 empties the answer', async t => {
    control.fault({ kind: 'empty-200' })
    fails(t, await get(FILES), 502, 'upstream-bad-response', { retryable: true })
  })

  t.test('502 upstream-storage-error when the storage fails on a later page', async t => {
    const text = 's3/get_files: Load S3 files error: InternalError'
    control.fault({ kind: 'refusal', text, after: 1 })
    fails(t, await get(`${FILES}?limit=250`), 502, 'upstream-storage-error', { retryable: true })
  })
})
