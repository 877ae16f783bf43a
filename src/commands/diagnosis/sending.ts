import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Finding } from './finding.ts'

const TIMEOUT_MS = 10_000

export interface Target {
  /** Address of the gateway for callers, with a slash at the end of its path. */
  url: URL
  /** A token of HOSTKEY, or the credential of a service. */
  token?: string | undefined
  /** Pause within a body that is sent slowly, milliseconds. */
  bodyPauseMs?: number
}

/** @param first the first reply of the gateway */
export type Check = (target: Target, first: Answer) => Promise<Finding[]>

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Of the problem; undefined where the reply is not one of the gateway. */
  problem: string | undefined
  certificate: Certificate | undefined
}

/** Milliseconds since 1970. */
export interface Certificate {
  startsAt: number
  endsAt: number
}

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Pause in the middle of the body. */
  pauseMs?: number
}

/** Sends a request whose target nothing rewrites: `fetch` would resolve its dot segments. */
export const send = (url: URL, target: string, sent: Sent = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    begin(url, target, sent, reject, reply => {
      const chunks: Buffer[] = []
      const certificate = certificateOf(reply.socket)
      reply.on('data', chunk => chunks.push(chunk))
      reply.on('error', reject)
      reply.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { headers, statusCode: status = 0 } = reply
        resolve({ status, headers, text, problem: problemIn(headers, text), certificate })
      })
    })
  })

/** The first part of a reply that has not ended; undefined when nothing comes in this time. */
export const firstPartOf = (url: URL, target: string, sent: Sent, withinMs: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const outgoing = begin(url, target, sent, reject, reply => {
      reply.on('error', reject)
      reply.once('data', chunk => end(String(chunk)))
    })
    const end = (part: string | undefined) => {
      clearTimeout(timer)
      resolve(part)
      outgoing.destroy()
    }
    const timer = setTimeout(end, withinMs, undefined)
  })

const begin = (
  url: URL,
  target: string,
  { method = 'GET', headers = {}, body = '', pauseMs }: Sent,
  onError: (error: unknown) => void,
  onReply: (reply: IncomingMessage) => void
): ClientRequest => {
  const isTls = url.protocol === 'https:'
  const hasBody = body !== ''
  const options = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port || (isTls ? 443 : 80),
    path: `${url.pathname.replace(/\/$/, '')}${target}`,
    method,
    headers: {
      host: url.host,
      ...(hasBody && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...headers
    },
    timeout: TIMEOUT_MS,
    agent: false as const
  }
  const outgoing = (isTls ? requestHttps : requestHttp)(options, onReply)
  outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
  outgoing.on('error', onError)
  if (pauseMs === undefined) outgoing.end(body)
  else {
    outgoing.write(body.slice(0, 1))
    setTimeout(() => outgoing.end(body.slice(1)), pauseMs)
  }
  return outgoing
}

const certificateOf = (socket: object): Certificate | undefined => {
  if (!('getPeerCertificate' in socket)) return undefined
  const { valid_from: from, valid_to: to } = (socket as TLSSocket).getPeerCertificate()
  return { startsAt: Date.parse(from), endsAt: Date.parse(to) }
}

const problemIn = (headers: IncomingHttpHeaders, text: string): string | undefined => {
  if (!headers['content-type']?.startsWith('application/problem+json')) return undefined
  try {
    return String(JSON.parse(text).type).split('/').at(-1)
  } catch {
    return undefined
  }
}

export const messageOf = (error: unknown): string =>
  error instanceof Error
    ? 'code' in error && error.message === ''
      ? String(error.code)
      : error.message
    : String(error)
