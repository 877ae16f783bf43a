import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { FileLine } from '../../schemas/files.ts'
import type { StreamPart } from '../domain/storage/files.ts'
import { LINES_TYPE } from './accept.ts'
import { sendHeaders } from './head.ts'

/** 60 s: a caller that reads nothing for this time is disconnected. A page takes 12 s at most. */
const IDLE_MS = 60_000

export interface FileLineOptions {
  /** The problem to write as the last line when a later page fails. */
  explain: (error: unknown) => NonNullable<FileLine['problem']>
  isDraining: () => boolean
}

/**
 * A list of files as lines of JSON, page by page, with its end or a problem as the last line. The first page is read
 * before anything is sent, so that its failure still has a status of its own.
 * @throws Problem of the first page
 */
export const fileLinesOf = async (
  pages: AsyncGenerator<StreamPart, void, void>,
  options: FileLineOptions
): Promise<AsyncGenerator<string, void, void>> => writeLines(pages, await pages.next(), options)

async function* writeLines(
  pages: AsyncGenerator<StreamPart, void, void>,
  first: IteratorResult<StreamPart, void>,
  { explain, isDraining }: FileLineOptions
): AsyncGenerator<string, void, void> {
  let end = (): NonNullable<FileLine['end']> => ({ nextCursor: null, complete: true })
  try {
    for (let page = first; !page.done; page = await pages.next()) {
      const { items, folders } = page.value
      end = page.value.end
      yield [
        ...folders.map(folder => toLine({ folder } satisfies FileLine)),
        ...items.map(file => toLine({ file } satisfies FileLine))
      ].join('')
      // A long list would take minutes, which a replica that shuts down does not have.
      if (isDraining()) break
    }
  } catch (error) {
    yield toLine({ problem: explain(error) } satisfies FileLine)
    return
  }
  yield toLine({ end: end() } satisfies FileLine)
}

/** Line ends of Unicode, which JSON allows in a string: some readers split lines there. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** A line of JSON. */
export const toLine = (line: object): string =>
  `${JSON.stringify(line).replace(LINE_ENDS, end => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`

/**
 * Sends lines as fast as the caller reads them: the next page is read once the page before is sent.
 * @param idleMs time without progress after which the caller is disconnected
 */
export const sendLines = (reply: FastifyReply, lines: AsyncGenerator<string, void, void>, idleMs = IDLE_MS) => {
  // Only the first page has been read: its failure is the only thing that HEAD can tell.
  if (reply.request.method === 'HEAD') return sendHeaders(reply, LINES_TYPE)
  reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
  return reply.type(LINES_TYPE).send(Readable.from(lines, { highWaterMark: 1 }))
}
