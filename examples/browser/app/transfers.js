// Uploads and downloads go to the storage, past the gateway, with a URL that the gateway signs for one file.

import { openCard } from './activity.js'
import { html } from './elements.js'
import { bucketPath, call, Problem } from './gateway.js'
import { ask, events, reasonOf } from './page.js'
import { countOf, formatBytes, lastOf } from './text.js'

/** Uploads under way at a time. */
const PARALLEL = 3

const sign = (send, where, body, options) => send('POST', `${bucketPath(where)}/presigned-urls`, { body, ...options })

/** Waits when the gateway says so: many files reach its rate limit. */
const signPatiently = async (where, target, signal) => {
  for (;;) {
    try {
      return await sign(call, where, target, { signal })
    } catch (error) {
      if (!error.retryable || !error.retryAfter) throw error
      await new Promise(resolve => setTimeout(resolve, error.retryAfter * 1000))
      signal.throwIfAborted()
    }
  }
}

/** The browser saves the file under its name. @throws Problem */
export const download = async (where, path) => {
  const downloadName =
    lastOf(path)
      .replace(/[\p{Cc}\p{Cs}\\]/gu, '_')
      .slice(0, 255) || 'file'
  const { url } = await sign(ask, where, { operation: 'download', path, downloadName })
  html('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }).click()
}

/** `fetch` reports no progress of an upload. @throws Problem */
const put = (url, file, contentType, { onProgress, signal }) =>
  new Promise((resolve, reject) => {
    const transfer = new XMLHttpRequest()
    const fail = title => reject(new Problem({ title }))
    transfer.open('PUT', url)
    transfer.setRequestHeader('Content-Type', contentType)
    transfer.upload.onprogress = ({ loaded }) => onProgress(loaded)
    transfer.onload = () =>
      transfer.status === 200 ? resolve() : fail(`The storage refused the file (${transfer.status})`)
    transfer.onerror = () => fail('No reply from the storage')
    transfer.onabort = () => fail('Cancelled')
    signal.addEventListener('abort', () => transfer.abort())
    transfer.send(file)
  })

const uploadOne = async (where, file, { onProgress, signal }) => {
  const path = where.folder + file.name
  const contentType = /^[\w.+-]+\/[\w.+-]+$/.test(file.type) ? file.type : 'application/octet-stream'
  const target = { operation: 'upload', path, contentType, contentLength: file.size }
  const { url } = await signPatiently(where, target, signal)
  await put(url, file, contentType, { onProgress, signal })
}

/** Uploads that are under way: leaving the page would end them. */
let active = 0

/** Uploads files into a folder, a few at a time, with one card for all. */
export const upload = async (where, files) => {
  const cancel = new AbortController()
  const card = openCard(`Upload ${countOf(files.length, 'file')} to ${lastOf(where.folder) || where.bucket}`, () =>
    cancel.abort()
  )
  const signal = AbortSignal.any([card.signal, cancel.signal])
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const sent = new Map()
  const failures = []
  let done = 0
  const show = () => {
    const bytes = [...sent.values()].reduce((sum, size) => sum + size, 0)
    const count = `${done} of ${countOf(files.length, 'file')}`
    card.progress(total ? bytes / total : undefined, `${count} · ${formatBytes(bytes)} of ${formatBytes(total)}`)
  }
  const queue = [...files]
  const work = async () => {
    for (let file = queue.shift(); file && !signal.aborted; file = queue.shift()) {
      const current = file
      const onProgress = bytes => {
        sent.set(current, bytes)
        show()
      }
      try {
        await uploadOne(where, current, { onProgress, signal })
        done += 1
        onProgress(current.size)
      } catch (error) {
        if (!signal.aborted) failures.push({ path: current.name, reason: reasonOf(error) })
      }
    }
  }
  show()
  active += 1
  await Promise.all(Array.from({ length: PARALLEL }, work))
  active -= 1
  if (card.signal.aborted) return
  const outcome = [`${countOf(done, 'file')} uploaded`, failures.length && `${failures.length} failed`]
  card.end(`${signal.aborted ? 'Cancelled: ' : ''}${outcome.filter(Boolean).join(', ')}.`, {
    isGood: failures.length === 0,
    failures
  })
  const { account, bucket } = where
  events.dispatchEvent(new CustomEvent('files-changed', { detail: { account, bucket } }))
}

window.addEventListener('beforeunload', event => {
  if (active > 0) event.preventDefault()
})
