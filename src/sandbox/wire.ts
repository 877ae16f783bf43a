import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Behaviours } from './behaviours.ts'
import { phpJson } from './php.ts'
import type { Reply } from './reply.ts'

/** A reply as bytes. */
export interface EncodedReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Encodes a reply as PHP does, with the requested Content-Type, byte order mark and compression. */
export const encodeReply = (
  { status, json, text, headers }: Reply,
  { contentType, bom, gzip }: Behaviours
): EncodedReply => {
  const plain = Buffer.from(`${bom ? '\ufeff' : ''}${json ? phpJson(json) : (text ?? '')}`)
  return {
    status,
    headers: { 'content-type': contentType, ...(gzip && { 'content-encoding': 'gzip' }), ...headers },
    body: gzip ? gzipSync(plain) : plain
  }
}

export const send = (response: ServerResponse, { status, headers, body }: EncodedReply): void => {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(body)
}

/** An HTML page, as nginx prints it. */
export const htmlPage = (status: number, title: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'content-type': 'text/html; charset=UTF-8', ...headers },
  text: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
})

/** The vendor's web site: the reply to an unknown path, with HTTP 200. */
export const webSite = (): Reply => htmlPage(200, 'HOSTKEY | Dedicated servers and cloud')
