import type { Dispatcher } from 'undici'
import type { StopSignal } from '../../core/abort.ts'
import { Problem } from '../../core/problem.ts'
import { MAX_BODY_BYTES } from './decompression.ts'
import { LARGE_BYTES, type LargeReplies } from './large-replies.ts'
import { transportProblem } from './transport-failures.ts'

/** A reply as it came over the wire. */
export interface RawReply {
  status: number
  headers: Record<string, string | string[] | undefined>
  chunks: Buffer[]
  /** Gives up the place of a large reply; to be called once it is processed. */
  release: (() => void) | undefined
}

export interface ExchangeOptions {
  /** Whose share of the places for large replies it takes. */
  share: string
  /** A failed write has an outcome: `not-applied` or `unknown`. */
  isWrite: boolean
  /** When the request is aborted, on the clock of `performance.now()`. */
  deadlineAt: number
  /** The largest body that is read; default: MAX_BODY_BYTES. */
  maxReplyBytes?: number
  /** Aborts the request before; undefined for a request that only its deadline aborts. */
  signal?: StopSignal | undefined
}

class ReplyTooLarge extends Error {
  readonly code = 'REPLY_TOO_LARGE'
}

const tooManyLargeReplies = (isWrite: boolean) =>
  new Problem('overloaded', 'Too many large replies of HOSTKEY are being read.', {
    retryAfterSeconds: 1,
    ...(isWrite && { outcome: 'unknown' })
  })

/**
 * Sends a request and collects the reply. Uses undici's callbacks, because `Pool.request` makes a stream of each body:
 * 30 µs (measured).
 * @throws Problem upstream-unreachable (no byte was handed to a connection), upstream-timeout, upstream-bad-response
 */
export const exchange = (
  pool: Dispatcher,
  largeReplies: LargeReplies,
  request: Dispatcher.DispatchOptions,
  { share, isWrite, deadlineAt, maxReplyBytes = MAX_BODY_BYTES, signal }: ExchangeOptions
): Promise<RawReply> =>
  new Promise((resolve, reject) => {
    // Set when a connection is ready, right before the first byte is handed to it.
    let controller: Dispatcher.DispatchController | undefined
    let head: Pick<RawReply, 'status' | 'headers'> | undefined
    let reason: Error | undefined
    let timer: NodeJS.Timeout | undefined
    let isPaused = false
    let release: (() => void) | undefined
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: unknown) => {
      end()
      release?.()
      if (isPaused) return reject(tooManyLargeReplies(isWrite))
      reject(transportProblem(error, { progress: head ? 'answering' : controller ? 'sent' : 'unsent', isWrite }))
    }
    const abort = (name: 'TimeoutError' | 'AbortError') => {
      reason = new DOMException('', name)
      if (controller) controller.abort(reason)
      else fail(reason)
    }
    const onAbort = () => abort('AbortError')
    const watchDeadline = () => {
      const msLeft = deadlineAt - performance.now()
      // Again after a timer that fires early: a caller that sees the timeout must also see that the deadline has passed.
      if (msLeft > 0) timer = setTimeout(watchDeadline, msLeft)
      else abort('TimeoutError')
    }
    watchDeadline()
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
    if (reason) return

    const chunks: Buffer[] = []
    let receivedBytes = 0
    pool.dispatch(request, {
      onRequestStart(started) {
        // Failed while it waited for a connection: undici writes nothing of a request that is aborted here.
        if (reason) started.abort(reason)
        else controller = started
      },
      onResponseStart(_controller, status, headers) {
        // 1xx: the reply follows.
        if (status < 200) return
        head = { status, headers }
        if (Number(headers['content-length']) > maxReplyBytes) throw new ReplyTooLarge()
      },
      onResponseData(controller, chunk) {
        chunks.push(chunk)
        const isNowLarge = receivedBytes <= LARGE_BYTES && receivedBytes + chunk.length > LARGE_BYTES
        receivedBytes += chunk.length
        if (receivedBytes > maxReplyBytes) throw new ReplyTooLarge()
        if (!isNowLarge) return
        isPaused = true
        release = largeReplies.admit(share, () => {
          isPaused = false
          controller.resume()
        })
        if (isPaused) controller.pause()
      },
      onResponseEnd() {
        end()
        if (head) resolve({ status: head.status, headers: head.headers, chunks, release })
      },
      onResponseError(_controller, error) {
        fail(error)
      }
    })
  })
