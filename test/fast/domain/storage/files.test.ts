import t, { type Test } from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { fakeUpstream } from '../../../support/fakes/upstream.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const FILES = '/accounts/s3_user_1/buckets/logs/files'

interface Page {
  folders?: string[]
  next?: string
}

/** A list of these pages, each by the token that leads to it, the first by ''; what of it is read, and in how many calls. */
const listOf = async (t: Test, pageAt: (token: string) => Page) => {
  let calls = 0
  const { url } = await fakeUpstream(t, sent => {
    calls += 1
    const { folders = [], next = null } = pageAt(sent['continuation_token'] ?? '')
    return { files: [], folders: folders.map(key => ({ key })), next_token: next }
  })
  const { get } = await gateway(t, { UPSTREAM_URL: url })
  return {
    page: (query = '') => get(`${FILES}${query}`),
    async lines() {
      const { text } = await get(FILES, { headers: { accept: 'application/x-ndjson' } })
      return text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
    },
    calls: () => calls
  }
}

t.test('a list that leads round in a circle ends, whatever the length of the circle', async t => {
  for (const [length, most] of [
    [1, 2],
    [2, 5],
    [3, 8],
    [10, 30]
  ] as const) {
    const { lines, calls } = await listOf(t, token => ({ next: String((Number(token) + 1) % length || length) }))
    t.match((await lines()).at(-1), { problem: { status: 502, type: /upstream-bad-response$/ } }, `${length} pages`)
    t.ok(calls() <= most, `${calls()} calls`)
  }
})

t.test('502 upstream-bad-response when a page is followed by itself', async t => {
  const { page, calls } = await listOf(t, () => ({ folders: ['a/'], next: 'here' }))
  fails(t, await page(), 502, 'upstream-bad-response', { retryable: true })
  t.equal(calls(), 2)
  const { nextCursor } = (await page('?limit=1')).json()
  fails(t, await page(`?cursor=${nextCursor}`), 502, 'upstream-bad-response', { retryable: true })
  t.equal(calls(), 4, 'also the one that a cursor leads to')
})

t.test('a long list of empty pages does not end by itself', async t => {
  const { lines } = await listOf(t, token => (token === '500' ? {} : { next: String(Number(token) + 1) }))
  t.strictSame(await lines(), [{ end: { nextCursor: null } }])
})

t.test('200 without a file when twenty pages have shown none, and a cursor to go on', async t => {
  const { page, calls } = await listOf(t, token => ({ next: String(Number(token) + 1) }))
  const first = (await page()).json()
  t.match(first, { items: [], folders: [], nextCursor: String })
  t.equal(calls(), 20)
  await page(`?cursor=${first.nextCursor}`)
  t.equal(calls(), 40)
})

t.test('a folder comes once, on a page and in the list', async t => {
  const { lines } = await listOf(t, token =>
    token === '' ? { folders: ['a/', 'a/'], next: '1' } : { folders: ['a/'] }
  )
  t.strictSame(await lines(), [{ folder: { path: 'a/' } }, { end: { nextCursor: null } }])
})

t.test('ten thousand folders are kept in mind: one that is longer ago may come again', async t => {
  const pages = 101
  const { lines } = await listOf(t, token => {
    const number = Number(token)
    if (number === pages) return { folders: ['0-99/', '1-0/', '50-0/', '100-99/'] }
    const folders = Array.from({ length: 100 }, (_, place) => `${number}-${place}/`)
    return { folders, next: String(number + 1) }
  })
  const paths = (await lines()).flatMap(({ folder }) => folder?.path ?? [])
  t.equal(paths.length, pages * 100 + 1)
  t.equal(paths.at(-1), '0-99/')
})
