import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../core/problem.ts'
import { findContext } from './route.ts'

/** How a replica ends (RELIABILITY 4.4): each step takes more away than the one before. */
export interface Drain {
  /** From now on each reply is the last of its connection: its client goes to another replica. */
  begin(): void
  readonly hasBegun: boolean
  /** From now on requests are refused; those that are not here in full are answered at once. */
  refuse(): void
  readonly isRefusing: boolean
  /** Answers every request that has sent no write, and lets none send one. */
  abort(): void
  /** A request has come, and goes when it is answered, or would be if its caller had not hung up. */
  enter(request: FastifyRequest, reply: FastifyReply): void
  leave(request: FastifyRequest): void
  /** Aborts when the caller hangs up, and with a Problem when the replica cuts the request short. */
  signalOf(request: FastifyRequest): AbortSignal
  /** Requests that are not answered yet, and how many of them have sent a write. */
  inFlight(): { requests: number; writes: number }
}

/** 503 for whoever is told to ask another replica. */
export const shuttingDown = (detail = 'This replica is shutting down; nothing was sent to HOSTKEY.') =>
  new Problem('draining', detail, { retryAfterSeconds: 1 })

const abortedByShutdown = () =>
  shuttingDown('This replica is shutting down and no longer waits for HOSTKEY’s answer: send the request again.')

/** 250 ms: a call that was aborted fails at once; what still has no answer then waits for something else. */
const UNHEARD_MS = 250

interface Flight {
  reply: FastifyReply
  controller: AbortController
}

export const createDrain = (): Drain => {
  let hasBegun = false
  let isRefusing = false
  const flights = new Map<FastifyRequest, Flight>()

  const withoutWrite = () => [...flights].filter(([request]) => !hasSentWrite(request))

  return {
    begin() {
      hasBegun = true
    },
    get hasBegun() {
      return hasBegun
    },
    refuse() {
      isRefusing = true
      // The reader of the body takes it for the end of the body, and answers with it.
      for (const { raw } of flights.keys()) if (isHalfSent(raw)) raw.emit('error', shuttingDown())
    },
    get isRefusing() {
      return isRefusing
    },
    abort() {
      for (const { controller } of flights.values()) controller.abort(abortedByShutdown())
      setTimeout(() => {
        for (const [, { reply }] of withoutWrite()) if (!reply.sent) reply.send(abortedByShutdown())
      }, UNHEARD_MS).unref()
    },
    enter(request, reply) {
      const controller = new AbortController()
      flights.set(request, { reply, controller })
      // `request.signal` will not do: it aborts once the body is read.
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) controller.abort()
      })
    },
    leave(request) {
      flights.delete(request)
    },
    signalOf: request => flights.get(request)?.controller.signal ?? AbortSignal.abort(),
    inFlight: () => ({ requests: flights.size, writes: flights.size - withoutWrite().length })
  }
}

const isHalfSent = (raw: FastifyRequest['raw']) => !raw.complete && raw.listenerCount('data') > 0

const hasSentWrite = (request: FastifyRequest) => findContext(request)?.upstream.hasWritten === true
