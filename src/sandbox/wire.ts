import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { phpJson } from './php.ts'
import type { Reply } from './reply.ts'
import type { Switches } from './switches.ts'

/** An answer as it goes over the wire. */
export interface Wired {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Puts a reply on the wire as PHP would, with the quirks that the switches ask for. */
export const wired = ({ status, json, text, headers }: Reply, { contentType, bom, gzip }: Switches): Wired => {
  const plain = Buffer.from(`${bom ? '\ufeff' : ''}${json ? phpJson(json) : (text ?? '')}`)
  return {
    status,
    headers: { 'content-type': contentType, ...(gzip && { 'content-encoding': 'gzip' }), ...headers },
    body: gzip ? gzipSync(plain) : plain
  }
}

export const send = (response: ServerResponse, { status, headers, body }: Wired): void => {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(body)
}

/** A web page where JSON was wanted. */
export const page = (status: number, title: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'content-type': 'text/html; charset=UTF-8', ...headers },
  text: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
})

/** The vendor's web site: what a wrong address gets, with HTTP 200. */
export const site = (): Reply => page(200, 'HOSTKEY | Dedicated servers and cloud')
