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

/** Makes of a reply what the request is for. It throws nothing: undici would take that for a broken reply. */
type Read<T> = (raw: RawReply, options: ExchangeOptions) => T | Promise<T>

/**
 * Sends a request, collects the reply and reads it. Uses undici's callbacks, because `Pool.request` makes a stream of each body:
 * 30 µs (measured).
 * @throws Problem upstream-unreachable (no byte was handed to a connection), upstream-timeout, upstream-bad-response
 */
export const exchange = <T>(
  pool: Dispatcher,
  largeReplies: LargeReplies,
  request: Dispatcher.DispatchOptions,
  options: ExchangeOptions,
  read: Read<T>
): Promise<T> =>
  new Promise((resolve, reject) => {
    const handler = new Exchange(largeReplies, options, raw => resolve(read(raw, options)), reject)
    if (handler.begin()) pool.dispatch(request, handler)
  })

/** One request: each has its own, and its methods are shared by all. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #largeReplies: LargeReplies
  readonly #options: ExchangeOptions
  readonly #resolve: (reply: RawReply) => void
  readonly #reject: (problem: Problem) => void
  readonly #onAbort = () => this.#abort('AbortError')
  /** Set when a connection is ready, right before the first byte is handed to it. */
  #controller: Dispatcher.DispatchController | undefined
  #head: Pick<RawReply, 'status' | 'headers'> | undefined
  #reason: Error | undefined
  #timer: NodeJS.Timeout | undefined
  #isPaused = false
  #release: (() => void) | undefined
  readonly #chunks: Buffer[] = []
  #receivedBytes = 0

  constructor(
    largeReplies: LargeReplies,
    options: ExchangeOptions,
    resolve: (reply: RawReply) => void,
    reject: (problem: Problem) => void
  ) {
    this.#largeReplies = largeReplies
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  /** @returns may the request be sent? */
  begin(): boolean {
    const { signal } = this.#options
    this.#watchDeadline()
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort)
    return this.#reason === undefined
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Failed while it waited for a connection: undici writes nothing of a request that is aborted here.
    if (this.#reason) controller.abort(this.#reason)
    else this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: RawReply['headers']): void {
    // 1xx: the reply follows.
    if (status < 200) return
    this.#head = { status, headers }
    if (Number(headers['content-length']) > this.#maxBytes) throw new ReplyTooLarge()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
    const isNowLarge = this.#receivedBytes <= LARGE_BYTES && this.#receivedBytes + chunk.length > LARGE_BYTES
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes > this.#maxBytes) throw new ReplyTooLarge()
    if (!isNowLarge) return
    this.#isPaused = true
    this.#release = this.#largeReplies.admit(this.#options.share, () => {
      this.#isPaused = false
      controller.resume()
    })
    if (this.#isPaused) controller.pause()
  }

  onResponseEnd(): void {
    this.#end()
    if (!this.#head) return
    const { status, headers } = this.#head
    this.#resolve({ status, headers, chunks: this.#chunks, release: this.#release })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: unknown): void {
    this.#fail(error)
  }

  get #maxBytes(): number {
    return this.#options.maxReplyBytes ?? MAX_BODY_BYTES
  }

  #watchDeadline(): void {
    const msLeft = this.#options.deadlineAt - performance.now()
    // Again after a timer that fires early: a caller that sees the timeout must also see that the deadline has passed.
    if (msLeft > 0) this.#timer = setTimeout(() => this.#watchDeadline(), msLeft)
    else this.#abort('TimeoutError')
  }

  #abort(name: 'TimeoutError' | 'AbortError'): void {
    this.#reason = new DOMException('', name)
    if (this.#controller) this.#controller.abort(this.#reason)
    else this.#fail(this.#reason)
  }

  #fail(error: unknown): void {
    const { isWrite } = this.#options
    this.#end()
    this.#release?.()
    const progress = this.#head ? 'answering' : this.#controller ? 'sent' : 'unsent'
    this.#reject(this.#isPaused ? tooManyLargeReplies(isWrite) : transportProblem(error, { progress, isWrite }))
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }
}
