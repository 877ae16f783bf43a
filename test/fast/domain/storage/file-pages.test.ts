import t, { type Test } from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import { readJoinedPage, readPages } from '../../../../src/domain/storage/file-pages.ts'
import { type Answer, fakeUpstream, type Sent } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const requested = { s3uid: 's3_user_1', bucket: 'logs', search: undefined, from: undefined, limit: 150 }

/** @param get_files the pages of HOSTKEY */
const listOf = async (t: Test, get_files: (sent: Sent) => Answer) => {
  const { upstream, calls } = await fakeUpstream(t, { get_files })
  return {
    calls,
    joined: (change: object = {}) =>
      readJoinedPage(upstream, { ...requested, ...change }, contextOf()).catch(error => error),
    /** All pages, and the error that ends the list. */
    async walk() {
      const pages: string[][] = []
      try {
        for await (const { folders } of readPages(upstream, { ...requested, limit: 1_000_000 }, contextOf()))
          pages.push(folders)
        return { pages, error: undefined }
      } catch (error) {
        return { pages, error }
      }
    }
  }
}

const files = (count: number) => Array.from({ length: count }, (_, n) => ({ original_key: `f${n}` }))
const folders = (...names: string[]) => names.map(key => ({ key }))

t.test('a joined page', async t => {
  t.test('has no more than was asked for when HOSTKEY sends more; the rest is on the pages that follow', async t => {
    const answer = { files: files(130), folders: folders(...Array.from({ length: 40 }, (_, n) => `d${n}/`)) }
    const { joined, calls } = await listOf(t, ({ continuation_token }) =>
      continuation_token === undefined ? { ...answer, next_token: 'two' } : { files: files(1), next_token: null }
    )
    const listed: string[] = []
    const sizes: number[] = []
    let from: string | undefined
    do {
      const page = await joined({ from, limit: 60 })
      listed.push(...page.files.map(({ original_key }: { original_key: string }) => original_key), ...page.folders)
      sizes.push(page.files.length + page.folders.length)
      from = page.next
    } while (from !== undefined)
    t.strictSame(sizes, [60, 60, 51])
    t.equal(new Set(listed).size, 170, 'each once, and the first of the second page again')
    t.strictSame([...new Set(calls.map(sent => sent['continuation_token']))], [undefined, 'two'])
  })

  t.test('requests no more than is missing, and the pages that follow', async t => {
    const { joined, calls } = await listOf(t, ({ continuation_token }) =>
      continuation_token === undefined
        ? { files: files(90), folders: folders('a/', 'b/'), next_token: 'two' }
        : { files: files(40), folders: [], next_token: null }
    )
    const page = await joined()
    t.equal(page.files.length, 130)
    t.same(page.folders, ['a/', 'b/'])
    t.equal(page.next, undefined)
    const asked = { action: 'get_files', s3uid: 's3_user_1', bucket_name: 'logs' }
    t.strictSame(calls, [
      { ...asked, max_keys: '100' },
      { ...asked, max_keys: '58', continuation_token: 'two' }
    ])
  })

  t.test('starts at its token, and passes the search on', async t => {
    const { joined, calls } = await listOf(t, () => ({ files: [], next_token: '' }))
    t.strictSame(await joined({ from: 'here', search: 'a' }), { files: [], folders: [], next: undefined })
    t.match(calls, [{ continuation_token: 'here', search: 'a' }])
  })

  t.test('ends at its limit, with the token of the next page', async t => {
    const { joined, calls } = await listOf(t, () => ({ files: files(100), next_token: 'more' }))
    t.match(await joined({ limit: 100 }), { next: 'more' })
    t.equal(calls.length, 1)
  })

  t.test('ends after 20 pages of HOSTKEY', async t => {
    let page = 0
    const { joined, calls } = await listOf(t, () => ({ files: [], next_token: `page ${++page}` }))
    t.match(await joined(), { files: [], next: 'page 20' })
    t.equal(calls.length, 20)
  })

  t.test('ends after 10 s', async t => {
    let passedMs = 0
    const now = performance.now.bind(performance)
    t.intercept(performance, 'now', { value: () => now() + passedMs })
    let page = 0
    const { joined, calls } = await listOf(t, () => {
      passedMs += 5_000
      return { files: files(1), next_token: `page ${++page}` }
    })
    t.match(await joined(), { next: 'page 2' })
    t.equal(calls.length, 2)
  })

  t.test('upstream-bad-response when a page refers to itself, the first or the one of a cursor', async t => {
    for (const [from, count] of [
      [undefined, 2],
      ['again', 1]
    ] as const) {
      const { joined, calls } = await listOf(t, () => ({ files: files(1), next_token: 'again' }))
      t.ok(isProblem(await joined({ from }), 'upstream-bad-response'))
      t.equal(calls.length, count)
    }
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

t.test('a folder is listed once, although HOSTKEY repeats it on a page and on later pages', async t => {
  const { walk } = await listOf(t, ({ continuation_token }) => ({
    files: files(1),
    folders: folders('a/', 'a/', 'b/', ...(continuation_token ? ['c/'] : [])),
    next_token: continuation_token ? false : 'two'
  }))
  t.strictSame((await walk()).pages, [['a/', 'b/'], ['c/']])
})

t.test('10,000 folders are remembered; the oldest is forgotten first', async t => {
  const names = Array.from({ length: 10_001 }, (_, n) => ({ key: `${n}/` }))
  const { walk } = await listOf(t, ({ continuation_token = '' }) => ({
    files: [],
    folders:
      { '': names.slice(0, 10_000), two: names.slice(0, 10_000), three: names.slice(10_000) }[continuation_token] ??
      folders('0/', '1/'),
    next_token: { '': 'two', two: 'three', three: 'four' }[continuation_token] ?? null
  }))
  t.same((await walk()).pages.slice(1), [[], ['10000/'], ['0/']])
})
