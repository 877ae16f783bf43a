import type { IncomingMessage } from 'node:http'
import { type Fields, phpFields } from './php.ts'

/** 8 MiB, PHP's default `post_max_size`: a larger body yields no fields. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** Reads the whole body; empty when it is larger than 8 MiB. */
export const readBody = async (request: IncomingMessage): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks) : Buffer.alloc(0)
}

/** The content of PHP's `$_POST`: the fields of a POSTed form, urlencoded or multipart; otherwise none. */
export const readForm = async (request: IncomingMessage): Promise<Fields> => {
  const body = await readBody(request)
  const type = request.headers['content-type'] ?? ''
  if (request.method !== 'POST') return phpFields([])
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return phpFields(new URLSearchParams(body.toString()))
  if (/^multipart\/form-data\b/i.test(type)) return multipartFields(body, type)
  return phpFields([])
}

const multipartFields = async (body: Buffer<ArrayBuffer>, type: string): Promise<Fields> => {
  try {
    return phpFields(await new Response(body, { headers: { 'content-type': type } }).formData())
  } catch {
    return phpFields([])
  }
}
