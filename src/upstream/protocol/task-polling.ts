import { pauseUntilAborted } from '../../core/abort.ts'
import { isProblem } from '../../core/problem.ts'
import { type Envelope, encodeForm, openEnvelope } from './envelope.ts'
import { isRecord } from './record.ts'
import type { Transport, UpstreamRequest } from './transport.ts'
import { transportProblem } from './transport-failures.ts'

const POLL_MS = 250

const OVERDUE = new DOMException('', 'TimeoutError')

/** eq_callback.php does not know the key (documented): the answer was already fetched, or has expired. */
const UNKNOWN_TASK = /AsyncKey/i

/**
 * Refusals of the poll itself, which say nothing about the write: an unknown key, or a missing token (assumed). For a read
 * a refused token is passed on, so that the read is repeated with a fresh one; a queued write must not be repeated.
 */
const POLL_REFUSED = /AsyncKey|token|authori[sz]|invalid request/i

/** A task that HOSTKEY queued instead of answering. */
export interface QueuedTask {
  key: string
  transport: Pick<Transport, 'post'>
  /** As the call itself was sent. */
  request: UpstreamRequest
}

/** Members of any answer. An answer with no other member carries no result. */
const ENVELOPE_MEMBERS = new Set(['result', 'action', 'callback', 'key'])

/**
 * The key of the task that HOSTKEY queued instead of answering; undefined for an answer.
 * @param isResult does the payload have the shape of a result? That of a deletion requires no member.
 */
export const taskKeyOf = (payload: Record<string, unknown>, isResult: () => boolean): string | undefined => {
  const key = payload['callback']
  if (typeof key !== 'string' || !/^[A-Za-z0-9]{1,64}$/.test(key)) return undefined
  const isAnswer = Object.keys(payload).some(member => !ENVELOPE_MEMBERS.has(member)) && isResult()
  return isAnswer ? undefined : key
}

/**
 * Waits for the answer of a task. A queued write will be executed: any failure to fetch its answer leaves it `pending`,
 * so that it is never taken for a write that was not sent.
 * @throws Problem of the transport, for a read
 */
export const awaitTask = async (task: QueuedTask): Promise<Envelope> => {
  try {
    const envelope = await pollTask(task)
    return task.request.isWrite && envelope.kind === 'unreadable' ? { kind: 'pending' } : envelope
  } catch (error) {
    if (task.request.isWrite && isProblem(error)) return { kind: 'pending' }
    throw error
  }
}

/**
 * Polls eq_callback.php until the task is done, the deadline has passed or the caller has disconnected. HOSTKEY deletes the
 * key with the answer, so there is only one (documented). The payload is in `context` or beside it (assumed).
 */
const pollTask = async ({ key, transport, request }: QueuedTask): Promise<Envelope> => {
  const { isWrite, deadlineAt, signal } = request
  for (;;) {
    await pauseUntilAborted(Math.min(POLL_MS, deadlineAt - performance.now()), signal)
    const form = encodeForm([
      ['action', 'check'],
      ['key', key]
    ])
    const { body, release } = await transport.post('eq_callback.php', form, request).catch(error => {
      // HOSTKEY has the task, also when this poll was not sent in time.
      throw performance.now() < deadlineAt ? error : transportProblem(OVERDUE, { progress: 'sent', isWrite })
    })
    const envelope = openEnvelope(body, 's3.php')
    release?.()
    if (envelope.kind === 'success') return { kind: 'success', payload: payloadOf(envelope.payload) }
    if (envelope.kind === 'failure' && (isWrite ? POLL_REFUSED : UNKNOWN_TASK).test(envelope.text)) {
      return { kind: 'unreadable', reason: 'HOSTKEY no longer knows the task' }
    }
    if (envelope.kind !== 'pending') return envelope
  }
}

const payloadOf = (answer: Record<string, unknown>): Record<string, unknown> => {
  const context = answer['context']
  return isRecord(context) ? { ...answer, ...context } : answer
}
