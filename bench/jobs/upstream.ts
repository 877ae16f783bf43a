import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/**
 * A program: a HOSTKEY with one bucket, in which files are listed and deleted, a byte for each. All replies wait `delay`
 * milliseconds. `POST /files?count=…` fills the bucket; `GET /files` counts what is left.
 */
const { values } = parseArgs({
  options: { port: { type: 'string', default: '' }, delay: { type: 'string', default: '0' } }
})
const delayMs = Number(values.delay)
const CHANGED_AT = '2026-01-01T00:00:00Z'

/** 1 for a file that is there. */
let files = new Uint8Array()

const nameOf = (index: number) => `logs/2026/access-${String(index).padStart(9, '0')}.log.gz`
const indexOf = (name: string) => Number(name.slice(-16, -7))

const listFiles = (form: URLSearchParams) => {
  const size = Number(form.get('max_keys'))
  const found = []
  let at = Number(form.get('continuation_token') ?? 0)
  for (; at < files.length && found.length < size; at += 1) {
    if (files[at] === 0) continue
    const name = nameOf(at)
    found.push({ key: name, original_key: name, size: 1024, last_modified: CHANGED_AT })
  }
  return { files: found, folders: [], next_token: at < files.length ? String(at) : null }
}

const answers: Record<string, (form: URLSearchParams) => object> = {
  get_files: listFiles,
  delete_file(form) {
    const index = indexOf(form.get('filename') ?? '')
    if (files[index] !== 1) return { code: -1, message: 'Delete S3 file error: File not found' }
    files[index] = 0
    return { message: 'File deleted successfully' }
  },
  get_buckets: () => ({ message: [{ name: 'photos', creation_date: CHANGED_AT }] }),
  // One customer for each token.
  info: form => ({
    result: {
      token: form.get('token'),
      role: 'Customer',
      customer_id: Number.parseInt((form.get('token') ?? '').slice(-6), 16),
      email: 'bench@example.com',
      token_expire: Math.floor(Date.now() / 1000) + 28_800
    }
  })
}

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/files') {
    if (request.method === 'POST') files = new Uint8Array(Number(searchParams.get('count'))).fill(1)
    response.end(String(files.reduce((sum, each) => sum + each, 0)))
    return
  }
  let text = ''
  for await (const chunk of request) text += chunk
  const form = new URLSearchParams(text)
  const answer = answers[form.get('action') ?? '']?.(form) ?? { code: -1, message: 'the form is not right' }
  if (delayMs > 0) await pause(delayMs)
  response.end(JSON.stringify({ result: 'OK', action: form.get('action'), ...answer }))
}).listen(Number(values.port), '127.0.0.1')
