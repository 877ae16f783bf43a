// The events of a job. `EventSource` cannot send X-CSRF, so they are read by `fetch`.

import { request } from './gateway.js'

const RECONNECT_MS = 1000

/** A comment comes every 15 s: a stream that is silent for longer is broken. */
const SILENCE_MS = 40_000

/**
 * The states of a job, to its end. After a broken connection it goes on with the event after the last one.
 * @throws Problem when the gateway refuses
 */
export async function* jobEvents(path, signal) {
  let lastId = ''
  for (;;) {
    let waitMs = RECONNECT_MS
    try {
      const reply = await request('GET', path, { headers: { 'Last-Event-ID': lastId }, signal })
      for await (const { id, event, data, retry } of parseEvents(reply.body)) {
        if (retry) waitMs = Number(retry)
        if (!data) continue
        lastId = id
        yield JSON.parse(data)
        if (event === 'end') return
      }
    } catch (error) {
      if (signal.aborted || !(error.isOffline || error.retryable || error instanceof TypeError)) throw error
    }
    await new Promise(resolve => setTimeout(resolve, waitMs))
    signal.throwIfAborted()
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, as the gateway writes it. */
async function* parseEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (;;) {
      const silence = setTimeout(() => reader.cancel(), SILENCE_MS)
      const { done, value } = await reader.read().finally(() => clearTimeout(silence))
      if (done) return
      const blocks = (text + value).split('\n\n')
      text = blocks.pop()
      for (const block of blocks) {
        yield Object.fromEntries(block.split('\n').map(line => [line.split(':', 1)[0], line.replace(/^[^:]*: ?/, '')]))
      }
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
