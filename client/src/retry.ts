import { isProblem } from './problem.ts'

export interface RetryOptions {
  /** How often a read is sent at most; 1 sends it once. */
  attempts: number
  /** The longest pause before the next attempt. When the gateway asks for more, the problem is thrown at once. */
  maxWaitMs: number
}

/** 4 and 10 s: a replica that restarts is back by then, and a person still waits. */
export const DEFAULT_RETRY: RetryOptions = { attempts: 4, maxWaitMs: 10_000 }

const FIRST_PAUSE_MS = 250

/** The pause before attempt `next`: what the gateway asks for, else twice the last, with jitter, so that callers spread. */
export const pauseMs = (error: unknown, next: number, { maxWaitMs }: RetryOptions): number => {
  const asked = isProblem(error) ? error.retryAfterSeconds : undefined
  return asked === undefined
    ? Math.min(maxWaitMs, FIRST_PAUSE_MS * 2 ** (next - 2)) * (0.5 + Math.random() / 2)
    : asked * 1000
}

/** A failure of the network, which fetch reports as a TypeError, or of its deadline. */
export const isNetworkFailure = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')

/** Sends a read again, as long as that can help. Never give it a write. @throws the last failure; the reason of `signal` */
export const retried = async <T>(
  send: () => Promise<T>,
  retry: RetryOptions,
  signal?: AbortSignal | null
): Promise<T> => {
  for (let next = 2; ; next++) {
    try {
      return await send()
    } catch (error) {
      const mayHelp = isProblem(error) ? error.retryable : isNetworkFailure(error)
      const ms = pauseMs(error, next, retry)
      if (!mayHelp || next > retry.attempts || ms > retry.maxWaitMs) throw error
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
