import type { Reader } from './files.ts'
import type { components } from './generated/schema.ts'
import { withTimeout } from './ndjson.ts'
import { isProblem } from './problem.ts'
import { isNetworkFailure, pause, withRetries } from './retry.ts'
import type { CallOptions } from './send.ts'

export type Job = components['schemas']['Job']
export type JobProgress = components['schemas']['JobProgress']
export type FileVerdict = components['schemas']['FileVerdict']

/**
 * A deletion of many files, which the gateway does. `await` it for the job at its end, iterate over it for its progress.
 * Both end also when the job is paused, because HOSTKEY refuses its token: `state` tells.
 */
export interface FileDeletion extends PromiseLike<Job>, AsyncIterable<JobProgress> {
  /** The job as it was made. @throws GatewayProblem when it was not */
  readonly created: Promise<Job>
  /** Sends nothing new. What is deleted stays deleted. */
  cancel(): Promise<Job>
  /** What became of each file, or only of those with one outcome. Complete once the job has ended. */
  results(options?: { outcome?: FileVerdict['outcome'] }): AsyncIterable<FileVerdict>
}

type Selection = { paths: readonly string[] } | { prefix: string; confirm: string } | { all: true; confirm: string }

const isWaiting = ({ state }: Pick<Job, 'state'>) => state === 'queued' || state === 'running'

/** Pause before a stream of events that has broken is opened again, unless the gateway names one. */
const RECONNECT_MS = 1000

/** Begins at once. */
export const deleteFiles = (
  { send, retry, timeoutMs }: Reader,
  s3uid: string,
  bucket: string,
  body: Selection,
  { signal }: CallOptions
): FileDeletion => {
  const path = '/accounts/{s3uid}/buckets/{bucket}/file-deletions'
  // The same key at each attempt: they make one job.
  const headers = { 'Idempotency-Key': crypto.randomUUID() }
  const create = () => send('post', path, { params: { path: { s3uid, bucket } }, headers, body, signal })
  const created = withRetries(async () => (await create()).data as Job, retry, signal)
  // Whoever awaits it gets the failure; nobody has to.
  created.catch(() => undefined)
  const at = async () => ({ path: { jobId: (await created).jobId } })
  const read = async () => {
    const params = await at()
    return withRetries(async () => (await send('get', '/jobs/{jobId}', { params, signal })).data as Job, retry, signal)
  }

  async function* progress(): AsyncGenerator<JobProgress, void> {
    const params = await at()
    let last = ''
    for (;;) {
      let waitMs = RECONNECT_MS
      try {
        const init = { params, signal, parseAs: 'stream' as const, headers: { 'Last-Event-ID': last } }
        const open = async () => (await send('get', '/jobs/{jobId}/events', init)).data as ReadableStream<Uint8Array>
        for await (const { id, event, data, retryMs } of eventsOf(await withRetries(open, retry, signal), timeoutMs)) {
          if (retryMs !== undefined) waitMs = retryMs
          if (data === undefined) continue
          last = id
          const state: JobProgress = JSON.parse(data)
          yield state
          if (event === 'end' || state.state === 'paused') return
        }
      } catch (error) {
        if (isProblem(error) ? !error.retryable : !isNetworkFailure(error)) throw error
        if (isProblem(error) && error.retryAfterSeconds !== undefined) waitMs = error.retryAfterSeconds * 1000
      }
      await pause(waitMs, signal)
    }
  }

  const finish = async (): Promise<Job> => {
    for await (const { state } of progress()) if (!isWaiting({ state })) break
    return read()
  }
  let finished: Promise<Job> | undefined

  return {
    created,
    // biome-ignore lint/suspicious/noThenProperty: it can be awaited.
    then: (onEnd, onFailure) => {
      finished ??= finish()
      return finished.then(onEnd, onFailure)
    },
    [Symbol.asyncIterator]: progress,
    cancel: async () => (await send('delete', '/jobs/{jobId}', { params: await at(), signal })).data as Job,
    async *results({ outcome } = {}) {
      const params = await at()
      let cursor: string | null | undefined
      do {
        const query = { outcome, cursor, limit: 1000 }
        const page = await withRetries(
          async () =>
            (await send('get', '/jobs/{jobId}/results', { params: { ...params, query }, signal }))
              .data as components['schemas']['JobResultList'],
          retry,
          signal
        )
        yield* page.items
        cursor = page.nextCursor
      } while (cursor !== null)
    }
  }
}

interface StreamEvent {
  id: string
  event: string
  data: string | undefined
  retryMs: number | undefined
}

/**
 * The events of a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html. The gateway ends lines with LF.
 * A comment comes every 15 s. @param idleMs longest silence @throws DOMException TimeoutError
 */
async function* eventsOf(stream: ReadableStream<Uint8Array>, idleMs: number): AsyncGenerator<StreamEvent, void> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let text = ''
  try {
    for (;;) {
      const part = await withTimeout(idleMs, reader.read())
      if (part.done) return
      text += part.value
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map(line => [line.split(': ', 1)[0] ?? '', line.replace(/^[^:]*: ?/, '')])
        )
        const retryText = fields.get('retry')
        yield {
          id: fields.get('id') ?? '',
          event: fields.get('event') ?? 'message',
          data: fields.get('data'),
          retryMs: retryText === undefined ? undefined : Number(retryText)
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
