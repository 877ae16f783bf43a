import { setTimeout as pause } from 'node:timers/promises'
import { type Envelope, encodeForm, openEnvelope } from './envelope.ts'
import type { Reply } from './transport.ts'

const POLL_MS = 250

/** The key of a task that HOSTKEY has put into a queue instead of answering; undefined when it has answered. */
export const callbackOf = (payload: Record<string, unknown>): string | undefined => {
  const key = payload['callback']
  return typeof key === 'string' && /^[A-Za-z0-9]{1,64}$/.test(key) ? key : undefined
}

/**
 * Asks eq_callback.php for a task until it is done or the deadline ends the request (UPSTREAM 5.6). HOSTKEY deletes the
 * key with the answer, so there is one; where it puts the payload is assumed: into `context`, or beside it.
 */
export const awaitCallback = async (
  key: string,
  post: (script: string, form: string) => Promise<Reply>,
  deadline: AbortSignal
): Promise<Envelope> => {
  for (;;) {
    // At the deadline the question itself fails, and says so as every call does.
    await pause(POLL_MS, undefined, { signal: deadline }).catch(() => undefined)
    const { body } = await post(
      'eq_callback.php',
      encodeForm([
        ['action', 'check'],
        ['key', key]
      ])
    )
    const envelope = openEnvelope(body, 's3.php')
    if (envelope.kind !== 'pending')
      return envelope.kind === 'success' ? { kind: 'success', payload: payloadOf(envelope.payload) } : envelope
  }
}

const payloadOf = (answer: Record<string, unknown>): Record<string, unknown> => {
  const context = answer['context']
  const isObject = typeof context === 'object' && context !== null && !Array.isArray(context)
  return isObject ? { ...answer, ...(context as Record<string, unknown>) } : answer
}
