import type { Page } from 'playwright-core'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { serving } from '../../support/harness/serving.ts'

/** Serves an empty page on a port of its own, by both names of this machine: `localhost` and `127.0.0.1` are two sites. */
export const servePage = async (t: Lifetime): Promise<number> => {
  const url = await serving(t, (_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>page</title>')
  })
  return Number(new URL(url).port)
}

/** The part of a reply that a page script can read. */
export interface Fetched {
  /** Undefined when the browser gives the script no answer; 0 when it hides the answer. */
  status?: number
  body?: { type?: string; items?: unknown[]; customerId?: number }
}

/** Runs `fetch` as a script of the page. */
export const fetchFrom = (page: Page, url: string, init: object = {}): Promise<Fetched> =>
  // As text: the code belongs to the page, whose types are not those of this program.
  page.evaluate(`(async () => {
    try {
      const reply = await fetch(${JSON.stringify(url)}, ${JSON.stringify(init)})
      const text = await reply.text()
      return { status: reply.status, ...(text && { body: JSON.parse(text) }) }
    } catch {
      return {}
    }
  })()`)
