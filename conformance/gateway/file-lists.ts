import { check, expect, NotChecked } from '../report.ts'
import type { HttpResponse } from '../sender.ts'
import { assertAllowed, type CheckContext } from './context.ts'
import { jsonIn } from './document.ts'
import { itemsIn } from './reads.ts'

/** Number of buckets in which files are searched. */
const MAX_BUCKETS = 3

/** More than one page of HOSTKEY, which has at most 100 entries. */
const LIMIT = 150

/** Checks the links, pages and streams of file lists. */
export const checkFileLists = async (context: CheckContext) => {
  const files = await findFiles(context)
  if (files === undefined) return context.report.skip('listFiles links and pages, streamFiles', 'no bucket has files')
  const { address, page } = files
  await check(context.report, 'listFiles links', async () => checkLinks(page))
  await check(context.report, 'listFiles pages', () => checkPages(context, address))
  await check(context.report, 'streamFiles', () => checkStream(context, address))
}

const findFiles = async ({ discovered, send }: CheckContext) => {
  for (const bucket of discovered.buckets.slice(0, MAX_BUCKETS)) {
    const address = `accounts/${encodeURIComponent(discovered.s3uid ?? '')}/buckets/${encodeURIComponent(bucket)}/files`
    const page = await send({ path: `${address}?limit=${LIMIT}` })
    if (page.status === 200 && itemsIn(page.text).length > 0) return { address, page }
  }
  return undefined
}

/** `links.self` of each file contains its path in the query. */
const checkLinks = ({ text }: HttpResponse): string => {
  const items = itemsIn(text)
  for (const { path, links } of items) {
    const self = typeof links === 'object' && links !== null && 'self' in links ? String(links.self) : ''
    const [, query = ''] = self.split('?path=')
    expect(/^[!-~]+$/.test(self) && !/[#&+]/.test(query), 'a link contains an unencoded character')
    expect(decodeURIComponent(query) === path, 'a link does not contain the path of its file')
  }
  return `${items.length} links contain their paths`
}

const entriesOf = (text: string): string[] => {
  const body = jsonIn(text) as { folders?: { path: string }[] }
  const folders = (body.folders ?? []).map(({ path }) => path)
  return [...folders, ...itemsIn(text).map(({ path }) => String(path))]
}

const cursorIn = (text: string): string | null => (jsonIn(text) as { nextCursor?: string | null }).nextCursor ?? null

/** Pages of 2: no entry repeats, and `Link` agrees with `nextCursor`. */
const checkPages = async ({ send, contract }: CheckContext, address: string): Promise<string> => {
  const listFiles = contract.operation('listFiles')
  const seen = new Set<string>()
  let query = 'limit=2'
  let pages = 0
  for (; pages < 3 && query !== ''; pages += 1) {
    const response = await send({ path: `${address}?${query}` })
    assertAllowed(response)
    if (listFiles) contract.assertDocumented(listFiles, response)
    const entries = entriesOf(response.text)
    expect(response.status === 200 && entries.length <= 2, `a page of 2 has ${entries.length} entries`)
    for (const entry of entries) {
      expect(!seen.has(entry), 'an entry is on two pages')
      seen.add(entry)
    }
    const cursor = cursorIn(response.text)
    const link = response.headers['link']
    expect((cursor === null) === (link === undefined), '`Link` and `nextCursor` do not agree')
    query = cursor === null ? '' : new URLSearchParams({ limit: '2', cursor }).toString()
    expect(cursor === null || (link ?? '').includes(`?${query}>; rel="next"`), '`Link` is not the next page')
  }
  return `${seen.size} entries on ${pages} pages of 2, none repeated`
}

/** The list as lines: every line is valid, the last is the end, and the first page of the list is in it. */
const checkStream = async ({ send, contract }: CheckContext, address: string): Promise<string> => {
  const streamFiles = contract.operation('streamFiles')
  if (!streamFiles) throw new NotChecked('the document has no streamFiles')
  const page = await send({ path: `${address}?limit=${LIMIT}` })
  const response = await send({ path: address.replace(/files$/, 'file-stream') })
  assertAllowed(response)
  contract.assertDocumented(streamFiles, response)
  const lines = response.text
    .trimEnd()
    .split('\n')
    .map(line => jsonIn(line) as Line)
  const end = lines.at(-1)
  expect(
    end?.end !== undefined && lines.filter(line => line.end).length === 1,
    'the last line is not the end of the list'
  )
  const entries = new Set(lines.flatMap(({ file, folder }) => (file ?? folder)?.path ?? []))
  expect(
    entriesOf(page.text).every(path => entries.has(path)),
    'the stream lacks entries of the page'
  )
  return `${entries.size} entries, with those of the first page, and the end`
}

interface Line {
  readonly file?: { readonly path: string }
  readonly folder?: { readonly path: string }
  readonly end?: object
}
