import { setTimeout as pause } from 'node:timers/promises'
import { isProblem } from '../../core/problem.ts'
import { type Envelope, encodeForm, openEnvelope } from './envelope.ts'
import type { Reply } from './transport.ts'

const POLL_MS = 250

/** eq_callback.php refuses the question itself, which says nothing of the task: the key is not known (documented). */
const NO_TASK = /AsyncKey/i
/** Or it wants a token (assumed). A read is then begun anew with a fresh one; a write in the queue must not be. */
const NOT_TOLD = /AsyncKey|token|authori[sz]|invalid request/i

/** A task that HOSTKEY has put into a queue instead of answering. */
export interface Task {
  key: string
  isWrite: boolean
  post: (script: string, form: string) => Promise<Reply>
  /** When the request as a whole must be over. */
  deadline: AbortSignal
}

/** Members that every answer may have: what holds no other says nothing but that it is one. */
const WRAPPING = new Set(['result', 'action', 'callback', 'key'])

/**
 * The key of a task that HOSTKEY has put into a queue instead of answering; undefined when it has answered.
 * @param isResult has the answer the shape of a result? That of a deletion has whatever holds nothing.
 */
export const taskOf = (payload: Record<string, unknown>, isResult: boolean): string | undefined => {
  const key = payload['callback']
  if (isResult && Object.keys(payload).some(member => !WRAPPING.has(member))) return undefined
  return typeof key === 'string' && /^[A-Za-z0-9]{1,64}$/.test(key) ? key : undefined
}

/**
 * What became of a task. A write that is in the queue is on its way, whatever keeps us from hearing of it: then it is
 * `pending`, and neither the write nor the question about it may be taken for one that was not sent.
 * @throws Problem of the wire, for a read
 */
export const endOf = async (task: Task): Promise<Envelope> => {
  try {
    const envelope = await awaitCallback(task)
    return task.isWrite && envelope.kind === 'unreadable' ? { kind: 'pending' } : envelope
  } catch (error) {
    if (task.isWrite && isProblem(error)) return { kind: 'pending' }
    throw error
  }
}

/**
 * Asks eq_callback.php for a task until it is done or the deadline ends the request (UPSTREAM 5.6). HOSTKEY deletes the
 * key with the answer, so there is one; where it puts the payload is assumed: into `context`, or beside it.
 */
const awaitCallback = async ({ key, isWrite, post, deadline }: Task): Promise<Envelope> => {
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
    if (envelope.kind === 'success') return { kind: 'success', payload: payloadOf(envelope.payload) }
    if (envelope.kind === 'failure' && (isWrite ? NOT_TOLD : NO_TASK).test(envelope.text)) {
      return { kind: 'unreadable', reason: 'a task that is not known any more' }
    }
    if (envelope.kind !== 'pending') return envelope
  }
}

const payloadOf = (answer: Record<string, unknown>): Record<string, unknown> => {
  const context = answer['context']
  const isObject = typeof context === 'object' && context !== null && !Array.isArray(context)
  return isObject ? { ...answer, ...(context as Record<string, unknown>) } : answer
}
