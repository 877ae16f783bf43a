import type { JobResultLine, JobResultList } from '../../schemas/jobs.ts'
import { toLine } from './file-lines.ts'

/** Results as lines of JSON, page by page, with the end as the last line. */
export async function* resultLinesOf(
  pages: AsyncGenerator<JobResultList, void, void>,
  isDraining: () => boolean
): AsyncGenerator<string, void, void> {
  let nextCursor: string | null = null
  for await (const page of pages) {
    nextCursor = page.nextCursor
    yield page.items.map(result => toLine({ result } satisfies JobResultLine)).join('')
    if (isDraining()) break
  }
  yield toLine({ end: { nextCursor } } satisfies JobResultLine)
}
