import t, { type Test } from 'tap'
import { createLinks } from '../../../../src/core/links.ts'
import { isProblem } from '../../../../src/core/problem.ts'
import { type WalkPart, walkFiles } from '../../../../src/domain/storage/file-walk.ts'
import { createFiles } from '../../../../src/domain/storage/files.ts'
import { createRecentWrites } from '../../../../src/domain/storage/recent-writes.ts'
import { createMemoryStore } from '../../../../src/store/memory.ts'
import { type Answer, fakeUpstream, type Sent } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const bucket = { s3uid: 's3_user_1', bucket: 'logs' }
const query = { ...bucket, folder: '', isRecursive: false, search: '', cursor: undefined, limit: 150 }
const selection = { ...bucket, prefix: '', isRecursive: false, text: '', from: undefined }

/** @param get_files the pages of HOSTKEY */
const listOf = async (t: Test, get_files: (sent: Sent) => Answer) => {
  const { upstream, calls } = await fakeUpstream(t, { get_files })
  const storage = createFiles({
    upstream,
    recentWrites: createRecentWrites(createMemoryStore()),
    links: createLinks(''),
    verifyDelaysMs: [],
    onActionMissing: () => undefined
  })
  return {
    calls,
    page: (change: object = {}) => storage.list(contextOf(), { ...query, ...change }).catch(error => error),
    /** All parts, and the error that ends the list. */
    async walk(change: object = {}) {
      const parts: WalkPart[] = []
      try {
        const request = { ...selection, limit: Number.POSITIVE_INFINITY, ...change }
        for await (const part of walkFiles(upstream, request, contextOf())) parts.push(part)
        return { parts, error: undefined }
      } catch (error) {
        return { parts, error }
      }
    }
  }
}

const pad = (n: number) => String(n).padStart(4, '0')
const files = (count: number) => Array.from({ length: count }, (_, n) => ({ original_key: `f${pad(n)}` }))
const folders = (...names: string[]) => names.map(key => ({ key }))
const pathsOf = (list: { path: string }[]) => list.map(({ path }) => path)

t.test('a page', async t => {
  t.test('has no more than was asked for when HOSTKEY sends more; the rest is on the pages that follow', async t => {
    const answer = { files: files(130), folders: folders(...Array.from({ length: 40 }, (_, n) => `d${pad(n)}/`)) }
    const { page, calls } = await listOf(t, ({ continuation_token }) =>
      continuation_token === undefined ? { ...answer, next_token: 'two' } : { files: files(1), next_token: null }
    )
    const listed: string[] = []
    const sizes: number[] = []
    let cursor: string | undefined
    do {
      const { items, folders, nextCursor } = await page({ cursor, limit: 60 })
      listed.push(...pathsOf(items), ...pathsOf(folders))
      sizes.push(items.length + folders.length)
      cursor = nextCursor ?? undefined
    } while (cursor !== undefined)
    t.strictSame(sizes, [60, 60, 51])
    t.equal(new Set(listed).size, 170, 'each once, and the first of the second page again')
    t.strictSame([...new Set(calls.map(sent => sent['continuation_token']))], [undefined, 'two'])
  })

  t.test(
    'continues inside a page of HOSTKEY after what it has listed, although that was deleted meanwhile',
    async t => {
      let stored = files(9)
      const { page } = await listOf(t, () => ({ files: stored, next_token: null }))
      const { items, nextCursor } = await page({ limit: 4 })
      stored = stored.slice(3)
      t.strictSame(
        pathsOf([...items, ...(await page({ cursor: nextCursor })).items]),
        files(9).map(file => file.original_key)
      )
    }
  )

  t.test('requests no more than is missing, and the pages that follow', async t => {
    const { page, calls } = await listOf(t, ({ continuation_token }) =>
      continuation_token === undefined
        ? { files: files(90), folders: folders('a/', 'b/'), next_token: 'two' }
        : { files: files(40), folders: [], next_token: null }
    )
    const { items, folders: listed, nextCursor, complete } = await page()
    t.equal(items.length, 130)
    t.strictSame(pathsOf(listed), ['a/', 'b/'])
    t.strictSame({ nextCursor, complete }, { nextCursor: null, complete: true })
    const asked = { action: 'get_files', s3uid: 's3_user_1', bucket_name: 'logs' }
    t.strictSame(calls, [
      { ...asked, max_keys: '100' },
      { ...asked, max_keys: '58', continuation_token: 'two' }
    ])
  })

  t.test('ends at its limit, with the token of the next page', async t => {
    const { page, calls } = await listOf(t, () => ({ files: files(100), next_token: 'more' }))
    const { nextCursor, complete } = await page({ limit: 100 })
    t.equal(complete, false)
    await page({ cursor: nextCursor, limit: 100 })
    t.match(calls, [{}, { continuation_token: 'more' }])
  })

  t.test('ends after 20 pages of HOSTKEY', async t => {
    let count = 0
    const { page, calls } = await listOf(t, () => ({ files: [], next_token: `page ${++count}` }))
    t.match(await page(), { items: [], nextCursor: String, complete: false })
    t.equal(calls.length, 20)
  })

  t.test('ends after 10 s', async t => {
    let passedMs = 0
    const now = performance.now.bind(performance)
    t.intercept(performance, 'now', { value: () => now() + passedMs })
    let count = 0
    const { page, calls } = await listOf(t, () => {
      passedMs += 5_000
      return { files: files(1), next_token: `page ${++count}` }
    })
    t.match(await page(), { nextCursor: String })
    t.equal(calls.length, 2)
  })
})

t.test('upstream-bad-response when the tokens form a circle of any length', async t => {
  for (const [length, maxCalls] of [
    [1, 2],
    [2, 5],
    [3, 8],
    [10, 30]
  ] as const) {
    const { walk, calls } = await listOf(t, ({ continuation_token = '' }) => ({
      files: [],
      next_token: String((Number(continuation_token) + 1) % length || length)
    }))
    t.ok(isProblem((await walk()).error, 'upstream-bad-response'), `${length} pages`)
    t.ok(calls.length <= maxCalls, `${calls.length} calls`)
  }
})

t.test('a list of 500 empty pages is read to its end', async t => {
  const { walk, calls } = await listOf(t, ({ continuation_token = '' }) => ({
    files: [],
    next_token: continuation_token === '500' ? null : String(Number(continuation_token) + 1)
  }))
  t.equal((await walk()).error, undefined)
  t.equal(calls.length, 501)
})

t.test('a folder is listed once, although HOSTKEY repeats it on a page and on later pages, also of ours', async t => {
  const { walk, page } = await listOf(t, ({ continuation_token }) => ({
    files: files(1),
    folders: folders('a/', 'a/', 'b', ...(continuation_token ? ['c/'] : [])),
    next_token: continuation_token ? false : 'two'
  }))
  t.strictSame(
    (await walk()).parts.map(part => part.folders),
    [['a/', 'b/'], ['c/']]
  )
  const { nextCursor } = await page({ limit: 3 })
  t.notOk(pathsOf((await page({ cursor: nextCursor })).folders).includes('b/'), 'the last of the page before')
})

t.test('10,000 folders are remembered; the oldest are forgotten first', async t => {
  const names = Array.from({ length: 10_001 }, (_, n) => ({ key: `${n}/` }))
  const { walk } = await listOf(t, ({ continuation_token = '' }) => ({
    files: [],
    folders:
      { '': names.slice(0, 10_000), two: names.slice(0, 10_000), three: names.slice(10_000) }[continuation_token] ??
      folders('0/', '9999/'),
    next_token: { '': 'two', two: 'three', three: 'four' }[continuation_token] ?? null
  }))
  t.same(
    (await walk()).parts.slice(1).map(part => part.folders),
    [[], ['10000/'], ['0/']]
  )
})

t.test('a folder that a search does not open leaves the list incomplete, and no other is tried', async t => {
  const { walk, calls } = await listOf(t, () => ({ files: files(1), folders: folders('a/', 'b/'), next_token: null }))
  const { parts } = await walk({ isRecursive: true })
  t.strictSame(
    parts.flatMap(part => part.files.map(file => file.original_key)),
    ['f0000']
  )
  t.match(parts.at(-1), { isComplete: false, position: undefined })
  t.equal(calls.length, 2)
})

t.test('a deep tree costs a call for each folder, and a cursor that does not grow with its depth', async t => {
  const depth = 500
  const { page, calls } = await listOf(t, ({ search = '' }) =>
    search.length >= 2 * depth
      ? { files: [{ original_key: `${search}file` }], next_token: null }
      : { files: [], folders: folders(`${search}d/`), next_token: null }
  )
  const listed: string[] = []
  let longest = 0
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { items, nextCursor }: { items: { path: string }[]; nextCursor: string | null } = await page({
      isRecursive: true,
      cursor
    })
    listed.push(...pathsOf(items))
    longest = Math.max(longest, nextCursor?.length ?? 0)
    cursor = nextCursor
  }
  t.strictSame(listed, [`${'d/'.repeat(depth)}file`])
  t.equal(calls.length, depth + 1)
  t.ok(longest < 2000, `${longest} characters`)
})

t.test('a cursor that would be too long leaves outer folders out, and the list says so', async t => {
  const token = 'x'.repeat(600)
  const { page } = await listOf(t, ({ search = '', continuation_token }) => ({
    files: [],
    folders: continuation_token === undefined && search.length < 40 ? folders(`${search}d/`) : [],
    next_token: continuation_token === undefined ? token : null
  }))
  const { nextCursor } = await page({ isRecursive: true })
  t.ok(nextCursor.length <= 4096)
  let last = { nextCursor, complete: true }
  while (last.nextCursor !== null) last = await page({ isRecursive: true, cursor: last.nextCursor })
  t.equal(last.complete, false)
})
