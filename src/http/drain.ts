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
  const inFlight = new Map<FastifyRequest, FastifyReply>()
  /** Of those requests that have asked for a signal: the others call nothing that could be aborted. */
  const signals = new Map<FastifyRequest, Abort>()

  const withoutWrite = () => [...inFlight].filter(([request]) => !hasSentWrite(request))

  const createSignal = (request: FastifyRequest, { raw }: FastifyReply): Abort => {
    const signal = new Abort()
    signals.set(request, signal)
    const abortUnlessSent = () => {
      if (!raw.writableFinished) signal.abort()
    }
    // Not `request.signal`: it aborts when the body is read.
    if (raw.closed) abortUnlessSent()
    else raw.once('close', abortUnlessSent)
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
      for (const { raw } of inFlight.keys()) if (isIncomplete(raw)) raw.emit('error', shuttingDown())
    },
    get isRefusing() {
      return isRefusing
    },
    abort() {
      isAborting = true
      for (const signal of signals.values()) signal.abort(abortedByShutdown())
      setTimeout(() => {
        for (const [, reply] of withoutWrite()) {
          // A stream whose caller does not read it.
          if (reply.raw.headersSent) reply.raw.destroy()
          else if (!reply.sent) reply.send(abortedByShutdown())
        }
      }, ABORT_TIMEOUT_MS).unref()
    },
    enter(request, reply) {
      inFlight.set(request, reply)
    },
    leave(request) {
      inFlight.delete(request)
      signals.delete(request)
    },
    signalOf(request) {
      const reply = inFlight.get(request)
      if (reply !== undefined) return signals.get(request) ?? createSignal(request, reply)
      const gone = new Abort()
      gone.abort()
      return gone
    },
    inFlight: () => ({ requests: inFlight.size, writes: inFlight.size - withoutWrite().length })
  }
}

const isIncomplete = (raw: FastifyRequest['raw']) => !raw.complete && raw.listenerCount('data') > 0

const hasSentWrite = (request: FastifyRequest) => findContext(request)?.upstream.hasWritten === true
