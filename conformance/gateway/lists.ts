import { check, expect, Unchecked } from '../report.ts'
import type { Answer } from '../sender.ts'
import { jsonIn } from './document.ts'
import { itemsIn } from './reads.ts'
import { assertAllowed, type Stage } from './stage.ts'

/** So many buckets are looked into for files. */
const MOST_BUCKETS = 3

/** Enough for more than one page of HOSTKEY's, which holds 100. */
const LIMIT = 150

/** Lists of files: paths, pages and lines. */
export const checkLists = async (stage: Stage) => {
  const files = await filesWithin(stage)
  if (files === undefined)
    return stage.report.skip('listFiles pages, paths and lines', 'no bucket with files was found')
  const { address, page } = files
  await check(stage.report, 'listFiles paths', async () => pathsOf(page))
  await check(stage.report, 'listFiles pages', () => checkPages(stage, address))
  await check(stage.report, 'listFiles lines', () => checkLines(stage, address, page))
}

const filesWithin = async ({ known, send }: Stage) => {
  for (const bucket of known.buckets.slice(0, MOST_BUCKETS)) {
    const address = `accounts/${encodeURIComponent(known.s3uid ?? '')}/buckets/${encodeURIComponent(bucket)}/files`
    const page = await send({ path: `${address}?limit=${LIMIT}` })
    if (page.status === 200 && itemsIn(page.text).length > 0) return { address, page }
  }
  return undefined
}

/** `links.self` names each file in the query, whatever its path holds. */
const pathsOf = ({ text }: Answer): string => {
  const items = itemsIn(text)
  for (const { path, links } of items) {
    const self = typeof links === 'object' && links !== null && 'self' in links ? String(links.self) : ''
    const [, query = ''] = self.split('?path=')
    expect(/^[!-~]+$/.test(self) && !/[#&+]/.test(query), 'a link holds a character that must be encoded')
    expect(decodeURIComponent(query) === path, 'a link does not lead back to the path of its file')
  }
  return `${items.length} links lead back to their paths`
}

const entriesOf = (text: string): string[] => {
  const body = jsonIn(text) as { folders?: { path: string }[] }
  const folders = (body.folders ?? []).map(({ path }) => path)
  return [...folders, ...itemsIn(text).map(({ path }) => String(path))]
}

const cursorIn = (text: string): string | null => (jsonIn(text) as { nextCursor?: string | null }).nextCursor ?? null

/** Small pages: no entry twice, `Link` and `nextCursor` say the same. */
const checkPages = async ({ send, contract }: Stage, address: string): Promise<string> => {
  const described = contract.operation('listFiles')
  const seen = new Set<string>()
  let query = 'limit=2'
  let pages = 0
  for (; pages < 3 && query !== ''; pages += 1) {
    const answer = await send({ path: `${address}?${query}` })
    assertAllowed(answer)
    if (described) contract.hold(described, answer)
    const entries = entriesOf(answer.text)
    expect(answer.status === 200 && entries.length <= 2, `a page of 2 has ${entries.length} entries`)
    for (const entry of entries) {
      expect(!seen.has(entry), 'an entry is on two pages')
      seen.add(entry)
    }
    const cursor = cursorIn(answer.text)
    const link = answer.headers['link']
    expect((cursor === null) === (link === undefined), '`Link` and `nextCursor` do not agree')
    query = cursor === null ? '' : new URLSearchParams({ limit: '2', cursor }).toString()
    expect(cursor === null || (link ?? '').includes(`?${query}>; rel="next"`), '`Link` does not lead to the next page')
  }
  return `${seen.size} entries on ${pages} pages of 2, none twice`
}

/** The same list as lines: every line fits the document, the last says how it ends, and nothing is missing. */
const checkLines = async ({ send, contract }: Stage, address: string, page: Answer): Promise<string> => {
  const answer = await send({ path: `${address}?limit=${LIMIT}`, headers: { accept: 'application/x-ndjson' } })
  assertAllowed(answer)
  const described = contract.operation('listFiles')
  if (!described || !contract.replyOf(described, 200)?.reply.content?.['application/x-ndjson']) {
    throw new Unchecked('the document has no lines')
  }
  expect(answer.headers['content-type']?.startsWith('application/x-ndjson') ?? false, 'the lines come as another type')
  contract.hold(described, answer)
  const lines = answer.text
    .trimEnd()
    .split('\n')
    .map(line => jsonIn(line) as Line)
  const end = lines.at(-1)
  expect(
    end?.end !== undefined && lines.filter(line => line.end).length === 1,
    'the last line does not say how the list ends'
  )
  const entries = lines.flatMap(({ file, folder }) => (file ?? folder)?.path ?? [])
  const wanted = entriesOf(page.text)
  expect(
    entries.length === wanted.length && wanted.every(path => entries.includes(path)),
    'lines and page list different files'
  )
  return `${entries.length} entries, as on the page, and an end`
}

interface Line {
  readonly file?: { readonly path: string }
  readonly folder?: { readonly path: string }
  readonly end?: object
}
