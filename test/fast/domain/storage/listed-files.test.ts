import t, { type Test } from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import { readJoinedPage, readPages } from '../../../../src/domain/storage/file-pages.ts'
import { type Answer, fakeUpstream, type Sent } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const requested = { s3uid: 's3_user_1', bucket: 'logs', search: undefined, from: undefined, limit: 150 }

const bucket = async (t: Test, get_files: (sent: Sent) => Answer) => {
  const { upstream, calls } = await fakeUpstream(t, { get_files })
  return {
    calls,
    list: (change: Partial<typeof requested> | object = {}) =>
      readJoinedPage(upstream, { ...requested, ...change }, contextOf()).catch(error => error),
    pages: () => readPages(upstream, { ...requested, limit: 1_000_000 }, contextOf())
  }
}

const files = (count: number) => Array.from({ length: count }, (_, n) => ({ original_key: `f${n}` }))

t.test('a list of files', async t => {
  t.test('asks for no more than is missing, and for what follows', async t => {
    const { list, calls } = await bucket(t, ({ continuation_token }) =>
      continuation_token === undefined
        ? { files: files(90), folders: [{ key: 'a/' }, { key: 'b/' }], next_token: 'two' }
        : { files: files(40), folders: [], next_token: null }
    )
    const page = await list()
    t.equal(page.files.length, 130)
    t.same(page.folders, ['a/', 'b/'])
    t.equal(page.next, undefined)
    const asked = { action: 'get_files', s3uid: 's3_user_1', bucket_name: 'logs' }
    t.strictSame(calls, [
      { ...asked, max_keys: '100' },
      { ...asked, max_keys: '58', continuation_token: 'two' }
    ])
  })

  t.test('begins where it is told to, and passes a search on', async t => {
    const { list, calls } = await bucket(t, () => ({ files: [], next_token: '' }))
    t.strictSame(await list({ from: 'here', search: 'a' }), { files: [], folders: [], next: undefined })
    t.match(calls, [{ continuation_token: 'here', search: 'a' }])
  })

  t.test('ends when there are enough, and says where to go on', async t => {
    const { list, calls } = await bucket(t, () => ({ files: files(100), next_token: 'more' }))
    const page = await list({ limit: 100 })
    t.match(page, { next: 'more' })
    t.equal(calls.length, 1)
  })

  t.test('goes on later after 20 pages', async t => {
    let page = 0
    const { list, calls } = await bucket(t, () => ({ files: [], next_token: `page ${++page}` }))
    t.match(await list(), { next: 'page 20' })
    t.equal(calls.length, 20)
  })

  t.test('goes on later after 10 s', async t => {
    let passedMs = 0
    const now = performance.now.bind(performance)
    t.intercept(performance, 'now', { value: () => now() + passedMs })
    let page = 0
    const { list, calls } = await bucket(t, () => {
      passedMs += 5_000
      return { files: files(1), next_token: `page ${++page}` }
    })
    t.match(await list(), { next: 'page 2' })
    t.equal(calls.length, 2)
  })

  t.test('names a folder once, though HOSTKEY names it on each page, and twice on one', async t => {
    const { list } = await bucket(t, ({ continuation_token }) => ({
      files: files(1),
      folders: ['a/', 'a/', 'b/', ...(continuation_token ? ['c/'] : [])].map(key => ({ key })),
      next_token: continuation_token ? false : 'two'
    }))
    t.same((await list()).folders, ['a/', 'b/', 'c/'])
  })

  t.test('upstream-bad-response when a page is followed by itself', async t => {
    const { list, calls } = await bucket(t, () => ({ files: files(1), next_token: 'again' }))
    t.ok(isProblem(await list(), 'upstream-bad-response'))
    t.equal(calls.length, 2)
  })
})

t.test('10,000 folders are remembered, and the one that came first is forgotten first', async t => {
  const names = Array.from({ length: 10_001 }, (_, n) => ({ key: `${n}/` }))
  const { pages } = await bucket(t, ({ continuation_token = '' }) => ({
    files: [],
    folders: { '': names.slice(0, 10_000), two: names.slice(0, 10_000), three: names.slice(10_000) }[
      continuation_token
    ] ?? [{ key: '0/' }, { key: '1/' }],
    next_token: { '': 'two', two: 'three', three: 'four' }[continuation_token] ?? null
  }))
  const seen: string[][] = []
  for await (const { folders } of pages()) seen.push(folders)
  t.same(seen.slice(1), [[], ['10000/'], ['0/']])
})
