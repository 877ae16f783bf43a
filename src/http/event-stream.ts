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
  /** A reader that takes nothing for this time is disconnected. */
  idleMs?: number
  /** After this time the reader has to come back: its credential is checked again, and its session does not end idle. */
  maxAgeMs?: number
}

/** 15 s: nginx, Caddy and HAProxy wait 30 s or longer for more. */
const QUIET_MS = 15_000

/** 60 s: four comments. */
export const IDLE_MS = 60_000

/** 10 min: a session ends after 15 min without a request. */
export const MAX_AGE_MS = 600_000

/** 3 s: when a reader whose connection breaks, or that was disconnected because it took nothing, comes back. */
const RETRY_MS = 3000

/** 1 to 5 s: the readers of a replica that shuts down come back one after the other. */
const retryMs = () => 1000 + Math.floor(Math.random() * 4000)

/** Switches off what proxies do by default: collect a reply before they pass it on. */
const HEADERS = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }

/**
 * Sends events as they come, and undefined for a moment without one. The next one is read once the last one is sent: what
 * waits for a slow reader is one buffer of its socket, 64 KiB.
 */
export const sendEvents = (
  reply: FastifyReply,
  events: AsyncGenerator<StreamedEvent | undefined, void, void>,
  { isDraining, quietMs = QUIET_MS, idleMs = IDLE_MS, maxAgeMs = MAX_AGE_MS }: EventStreamOptions
) => {
  reply.headers(HEADERS)
  if (reply.request.method === 'HEAD') return sendHeaders(reply, EVENTS_TYPE)
  reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
  const text = textOf(events, { isDraining, quietMs, maxAgeMs })
  return reply.type(EVENTS_TYPE).send(Readable.from(text, { highWaterMark: 1 }))
}

async function* textOf(
  events: AsyncGenerator<StreamedEvent | undefined, void, void>,
  { isDraining, quietMs, maxAgeMs }: Required<Omit<EventStreamOptions, 'idleMs'>>
): AsyncGenerator<string, void, void> {
  // At once: the reader has its headers, and a proxy has something to pass on.
  yield `: open\nretry: ${RETRY_MS}\n\n`
  const openedAt = performance.now()
  let sentAt = openedAt
  for await (const event of events) {
    if (isDraining() || performance.now() - openedAt > maxAgeMs) {
      yield `retry: ${retryMs()}\n\n`
      return
    }
    if (event === undefined && performance.now() - sentAt < quietMs) continue
    sentAt = performance.now()
    yield event === undefined ? ':\n\n' : `id: ${event.id}\nevent: ${event.event}\ndata: ${event.data}\n\n`
  }
}
