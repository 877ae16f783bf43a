import type { FastifyReply, FastifyRequest } from 'fastify'
import { Abort, type StopSignal } from '../core/abort.ts'
import { Problem } from '../core/problem.ts'
import { findContext } from './route.ts'

/** The steps in which a replica shuts down: `begin`, `refuse`, `abort`. See docs/explanation/reliability.md. */
export interface Drain {
  /** From now on each reply closes its connection: the client connects to another replica. */
  begin(): void
  readonly hasBegun: boolean
  /** From now on requests are refused, those with an incomplete body included. */
  refuse(): void
  readonly isRefusing: boolean
  /** Answers every request that has not sent a write, and prevents further writes. */
  abort(): void
  /** A request has arrived; `leave` follows when it is answered, or its caller has disconnected. */
  enter(request: FastifyRequest, reply: FastifyReply): void
  leave(request: FastifyRequest): void
  /** Aborts when the caller disconnects, and with a Problem when the replica aborts the request. */
  signalOf(request: FastifyRequest): StopSignal
  /** The requests that are not answered yet, and how many of them have sent a write. */
  inFlight(): { requests: number; writes: number }
}

/** 503: the client sends the request to another replica. */
export const shuttingDown = (detail = 'This replica is shutting down; nothing was sent to HOSTKEY.') =>
  new Problem('draining', detail, { retryAfterSeconds: 1 })

const abortedByShutdown = () =>
  shuttingDown('This replica is shutting down and no longer waits for HOSTKEY. Send the request again.')

/** 250 ms: an aborted call fails at once; a request that is unanswered after this time waits for something else. */
const ABORT_TIMEOUT_MS = 250

export const createDrain = (): Drain => {
  let hasBegun = false
  let isRefusing = false
  let isAborting = false
  /** In no order. Not a Map, for the reason that coalescing.ts gives. */
  const inFlight: InFlight[] = []

  const withoutWrite = () => inFlight.filter(({ request }) => !hasSentWrite(request))

  const createSignal = (entry: InFlight): Abort => {
    const signal = new Abort()
    const { raw } = entry.reply
    entry.signal = signal
    const abortUnlessSent = () => {
      if (!raw.writableFinished) signal.abort()
    }
    // Not `request.signal`: it aborts when the body is read.
    if (raw.closed) abortUnlessSent()
    else raw.on('close', abortUnlessSent)
    if (isAborting) signal.abort(abortedByShutdown())
    return signal
  }

  return {
    begin() {
      hasBegun = true
    },
    get hasBegun() {
      return hasBegun
    },
    refuse() {
      isRefusing = true
      // Fastify's body reader fails with this error and answers with it.
      for (const { request } of [...inFlight]) {
        if (isIncomplete(request.raw)) request.raw.emit('error', shuttingDown())
      }
    },
    get isRefusing() {
      return isRefusing
    },
    abort() {
      isAborting = true
      for (const { signal } of [...inFlight]) signal?.abort(abortedByShutdown())
      setTimeout(() => {
        for (const { reply } of withoutWrite()) {
          // A stream whose caller does not read it.
          if (reply.raw.headersSent) reply.raw.destroy()
          else if (!reply.sent) reply.send(abortedByShutdown())
        }
      }, ABORT_TIMEOUT_MS).unref()
    },
    enter(request, reply) {
      const entry: InFlight = { request, reply, place: inFlight.length, signal: undefined }
      request.setDecorator(IN_FLIGHT, entry)
      inFlight.push(entry)
    },
    leave(request) {
      const entry = request.getDecorator<InFlight | null>(IN_FLIGHT)
      if (!entry || entry.place < 0) return
      const last = inFlight.pop()
      if (last !== undefined && last !== entry) {
        inFlight[entry.place] = last
        last.place = entry.place
      }
      entry.place = -1
    },
    signalOf(request) {
      const entry = request.getDecorator<InFlight | null>(IN_FLIGHT)
      if (entry && entry.place >= 0) return entry.signal ?? createSignal(entry)
      const gone = new Abort()
      gone.abort()
      return gone
    },
    inFlight: () => ({ requests: inFlight.length, writes: inFlight.length - withoutWrite().length })
  }
}

/** The name under which a request keeps its entry. */
export const IN_FLIGHT = 'inFlight'

/** A request that is not answered yet. */
interface InFlight {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** In the list; -1 once it is answered. */
  place: number
  /** Of a request that has asked for one: the others call nothing that could be aborted. */
  signal: Abort | undefined
}

const isIncomplete = (raw: FastifyRequest['raw']) => !raw.complete && raw.listenerCount('data') > 0

const hasSentWrite = (request: FastifyRequest) => findContext(request)?.upstream.hasWritten === true
