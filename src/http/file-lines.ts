import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { File, FileLine } from '../../schemas/files.ts'
import { toInstant } from '../core/timestamps.ts'
import { defined } from '../core/without-undefined.ts'
import type { Page } from '../domain/storage/files.ts'
import { LINES_TYPE } from './accept.ts'

/** 60 s: who reads nothing for so long has gone, and only the connection does not know it. A page takes 12 s at most. */
const IDLE_MS = 60_000

/** What the lines of a list need to know beside its pages. */
export interface LineOptions {
  /** Address of the list. */
  address: string
  cursorOf: (next: string) => string
  explain: (error: unknown) => NonNullable<FileLine['problem']>
  isDraining: () => boolean
}

/**
 * The lines of a list, a page at a time, and as the last one how it ended. The first page is read before anything is
 * sent, so that its failure still has a status of its own.
 * @throws Problem of the first page
 */
export const linesOf = async (
  pages: AsyncGenerator<Page, void, void>,
  options: LineOptions
): Promise<AsyncGenerator<string, void, void>> => {
  const first = await pages.next()
  return textOf(pages, first, options)
}

async function* textOf(
  pages: AsyncGenerator<Page, void, void>,
  first: IteratorResult<Page, void>,
  { address, cursorOf, explain, isDraining }: LineOptions
): AsyncGenerator<string, void, void> {
  let next: string | undefined
  try {
    for (let page = first; !page.done; page = await pages.next()) {
      const { files, folders } = page.value
      next = page.value.next
      yield [
        ...folders.map(path => line({ folder: { path } })),
        ...files.map(file => line({ file: toFile(file, address) }))
      ].join('')
      // A list may take minutes, which a replica that shuts down does not have.
      if (isDraining()) break
    }
  } catch (error) {
    yield line({ problem: explain(error) })
    return
  }
  yield line({ end: { nextCursor: next === undefined ? null : cursorOf(next) } })
}

const line = (line: FileLine): string => `${JSON.stringify(line)}\n`

/**
 * Sends lines as fast as the caller reads them: the next page is asked for when the one before is on its way.
 * @param idleMs how long nothing may move before the caller is taken to have gone
 */
export const sendLines = (reply: FastifyReply, lines: AsyncGenerator<string, void, void>, idleMs = IDLE_MS) => {
  reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
  // Every plugin that acts at the end of a reply listens for it, and so does the stream.
  reply.raw.setMaxListeners(20)
  return reply.type(LINES_TYPE).send(Readable.from(lines, { highWaterMark: 1 }))
}

/** `path` names the file in every later call: it is HOSTKEY's `original_key`; `key` may be shortened for display (assumed). */
export const toFile = (theirs: Page['files'][number], address: string): File =>
  defined({
    path: theirs.original_key,
    name: theirs.key,
    sizeBytes: theirs.size,
    modifiedAt: toInstant(theirs.last_modified),
    links: { self: `${address}?path=${encodeURIComponent(theirs.original_key)}` }
  })
