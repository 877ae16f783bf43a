// Deletions of many files. The gateway does them, also when this page is closed.

import { openCard } from './activity.js'
import { jobEvents } from './events.js'
import { bucketPath, call } from './gateway.js'
import { events, reasonOf } from './page.js'
import { countOf, lastOf } from './text.js'

/** Jobs that have a card. */
const followed = new Set()

/** Paths of one request at most. */
export const MAX_PATHS = 1000

/** @param selection `{ paths }`, `{ prefix, confirm }` or `{ all: true, confirm }` @throws Problem */
export const deleteFiles = async (where, selection) => {
  // The same key would make the same job: a request that is sent twice deletes once.
  const headers = { Prefer: 'respond-async', 'Idempotency-Key': crypto.randomUUID() }
  try {
    follow(await call('POST', `${bucketPath(where)}/file-deletions`, { body: selection, headers }))
  } catch (error) {
    // Another job works on the bucket.
    if (error.links?.job) follow(await call('GET', error.links.job))
    throw error
  }
}

/** The jobs that an earlier page has begun. */
export const followRunning = async () => {
  const { items } = await call('GET', '/jobs', { query: { limit: 20 } })
  for (const job of items.filter(isWaiting)) follow(job)
}

const isWaiting = ({ state }) => state === 'queued' || state === 'running'

const titleOf = ({ bucket, selection }) => {
  if (selection.all) return `Empty ${bucket}`
  if (selection.prefix !== undefined) return `Delete folder ${lastOf(selection.prefix)}`
  return `Delete ${countOf(selection.pathCount, 'file')}`
}

const follow = job => {
  const { jobId, links, selection, s3uid: account, bucket } = job
  if (followed.has(jobId)) return
  followed.add(jobId)
  const cancel = () => call('DELETE', links.self).catch(error => card.progress(undefined, reasonOf(error)))
  const card = openCard(titleOf(job), cancel)

  const watch = async () => {
    let last = job
    for await (const state of jobEvents(links.events, card.signal)) {
      last = state
      const { found, deleted, missing, failed } = state.counts
      const total = selection.pathCount ?? found
      const text = `${deleted.toLocaleString('en')} of ${countOf(total, 'file')} deleted`
      card.progress(
        total ? (deleted + missing + failed) / total : undefined,
        state.state === 'queued' ? 'Waits for other jobs' : text
      )
      if (state.state === 'paused') return card.pause(`Paused: ${whyOf(state.problem)}`, 'Resume', resume)
    }
    card.end(sentenceOf(last), await failuresOf(last))
    events.dispatchEvent(new CustomEvent('files-changed', { detail: { account, bucket } }))
  }
  const run = () =>
    watch().catch(error => {
      if (!card.signal.aborted) card.end(`The gateway deletes on, unwatched. ${reasonOf(error)}`, { isGood: false })
    })
  const resume = () =>
    call('POST', `${links.self}/resume`).then(run, error => card.end(reasonOf(error), { isGood: false }))

  card.signal.addEventListener('abort', () => followed.delete(jobId))
  void run()

  const failuresOf = async ({ state, counts }) => {
    const isGood = state === 'succeeded' || state === 'cancelled'
    if (counts.failed === 0) return { isGood }
    const { items } = await call('GET', links.results, { query: { outcome: 'failed', limit: 20 } })
    const failures = items.map(({ path, problem }) => ({ path, reason: whyOf(problem) }))
    return { isGood, failures, failed: counts.failed }
  }
}

/** The problem of one file has no title. */
const whyOf = ({ name, detail }) => `${name.replaceAll('-', ' ')} · ${detail}`

/** How it ended. Says only what is known. */
const sentenceOf = ({ state, counts: { deleted, missing, failed, remaining }, problem }) => {
  const parts = [
    `${countOf(deleted, 'file')} deleted`,
    missing && `${missing.toLocaleString('en')} not found`,
    failed && `${failed.toLocaleString('en')} failed`,
    remaining && `${remaining.toLocaleString('en')} left`,
    remaining === null && 'what is left is unknown'
  ]
  const start = state === 'cancelled' ? 'Cancelled: ' : ''
  return `${start}${parts.filter(Boolean).join(', ')}.${problem ? ` ${whyOf(problem)}` : ''}`
}
