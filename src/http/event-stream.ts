import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { EVENTS_TYPE } from './accept.ts'
import { sendHeaders } from './head.ts'

/** One event (https://html.spec.whatwg.org/multipage/server-sent-events.html). Neither member has a line end. */
export interface StreamedEvent {
  readonly id: number
  readonly event: string
  readonly data: string
}

export interface EventStreamOptions {
  isDraining: () => boolean
  /** A comment is sent after this time without an event, so that no proxy closes the connection. */
  quietMs?: number
}

/** 15 s: nginx, Caddy and HAProxy wait 30 s or longer for more. */
const QUIET_MS = 15_000

/** A reader that takes nothing for this time is disconnected. */
const IDLE_MS = 60_000

/** 3 s: when a reader whose connection breaks, or that was disconnected because it took nothing, comes back. */
const RETRY_MS = 3000

/** 1 to 5 s: the readers of a replica that ends come back one after the other. */
const retryMs = () => 1000 + Math.floor(Math.random() * 4000)

/** Switches off what proxies do by default: collect a reply before they pass it on. */
const HEADERS = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }

/** Sends events as they come, and undefined for a moment without one. The next one is read once the last one is sent. */
export const sendEvents = (
  reply: FastifyReply,
  events: AsyncGenerator<StreamedEvent | undefined, void, void>,
  { isDraining, quietMs = QUIET_MS }: EventStreamOptions
) => {
  reply.headers(HEADERS)
  if (reply.request.method === 'HEAD') return sendHeaders(reply, EVENTS_TYPE)
  reply.raw.setTimeout(IDLE_MS, () => reply.raw.destroy())
  return reply.type(EVENTS_TYPE).send(Readable.from(textOf(events, { isDraining, quietMs }), { highWaterMark: 1 }))
}

async function* textOf(
  events: AsyncGenerator<StreamedEvent | undefined, void, void>,
  { isDraining, quietMs }: Required<EventStreamOptions>
): AsyncGenerator<string, void, void> {
  // At once: the reader has its headers, and a proxy has something to pass on.
  yield `: open\nretry: ${RETRY_MS}\n\n`
  let sentAt = performance.now()
  for await (const event of events) {
    if (isDraining()) {
      yield `retry: ${retryMs()}\n\n`
      return
    }
    if (event === undefined && performance.now() - sentAt < quietMs) continue
    sentAt = performance.now()
    yield event === undefined ? ':\n\n' : `id: ${event.id}\nevent: ${event.event}\ndata: ${event.data}\n\n`
  }
}
