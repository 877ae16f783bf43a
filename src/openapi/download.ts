import { promisify } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { codingOf, compress, varyByCoding } from '../http/plugins/compression.ts'
import { isMatch, versionOf } from '../http/versions.ts'

/** A file that is the same for everyone and does not change while the process runs. */
interface PublicFile {
  type: string
  text: () => Promise<string>
}

interface Representation {
  etag: string
  body: string | Buffer
}

/** Sends a public file: any page may read it, caches may keep it, and each coding of it is made once. */
export const sendPublicFile = ({ type, text }: PublicFile) => {
  const made = new Map<string, Promise<Representation>>()
  const representationIn = (coding: ReturnType<typeof codingOf>): Promise<Representation> => {
    const representation = made.get(coding ?? '') ?? encode(text, coding)
    made.set(coding ?? '', representation)
    representation.catch(() => made.delete(coding ?? ''))
    return representation
  }
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const coding = codingOf(request)
    const { etag, body } = await representationIn(coding)
    reply.headers({ etag, 'cache-control': 'public, max-age=300', 'cross-origin-resource-policy': 'cross-origin' })
    if (!reply.hasHeader('access-control-allow-origin')) reply.header('access-control-allow-origin', '*')
    varyByCoding(reply)
    if (isMatch(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
    if (coding !== undefined) reply.header('content-encoding', coding)
    return reply.type(type).send(body)
  }
}

/** With a strong version: two codings differ in their bytes. */
const encode = async (text: PublicFile['text'], coding: ReturnType<typeof codingOf>): Promise<Representation> => {
  const body = await text()
  const version = versionOf(body)
  if (coding === undefined) return { etag: `"${version}"`, body }
  return { etag: `"${version}-${coding}"`, body: await promisify(compress)(coding, body) }
}
