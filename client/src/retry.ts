import { isProblem } from './problem.ts'

export interface RetryOptions {
  /** Maximum number of attempts; 1 disables retries. */
  attempts: number
  /** Longest pause before the next attempt. When the gateway asks for more, the problem is thrown at once. */
  maxWaitMs: number
}

/** 4 attempts and 10 s: enough for a replica to restart, short enough for a person to wait. */
export const DEFAULT_RETRY: RetryOptions = { attempts: 4, maxWaitMs: 10_000 }

const FIRST_PAUSE_MS = 250

/** The pause before attempt `next`: what the gateway asks for, else exponential with jitter, so that callers spread. */
export const pauseMs = (error: unknown, next: number, { maxWaitMs }: RetryOptions): number => {
  const retryAfterSeconds = isProblem(error) ? error.retryAfterSeconds : undefined
  return retryAfterSeconds === undefined
    ? Math.min(maxWaitMs, FIRST_PAUSE_MS * 2 ** (next - 2)) * (0.5 + Math.random() / 2)
    : retryAfterSeconds * 1000
}

/** A network failure, which fetch reports as a TypeError, or a timeout. */
export const isNetworkFailure = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')

/** Repeats a read after a retryable failure. Never pass a write. @throws the last failure; the reason of `signal` */
export const withRetries = async <T>(
  send: () => Promise<T>,
  options: RetryOptions,
  signal?: AbortSignal | null
): Promise<T> => {
  for (let next = 2; ; next++) {
    try {
      return await send()
    } catch (error) {
      const isRetryable = isProblem(error) ? error.retryable : isNetworkFailure(error)
      const ms = pauseMs(error, next, options)
      if (!isRetryable || next > options.attempts || ms > options.maxWaitMs) throw error
      await pause(ms, signal)
    }
  }
}

/** @throws the reason of `signal` as soon as it is aborted */
export const pause = (ms: number, signal?: AbortSignal | null): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
