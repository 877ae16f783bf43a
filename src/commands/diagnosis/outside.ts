import { randomUUID } from 'node:crypto'
import { type IncomingHttpHeaders, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { isLoopback } from '../../core/address.ts'
import { type Finding, finding } from './finding.ts'

const TIMEOUT_MS = 10_000
const DAY_MS = 24 * 3_600_000
/** An automatic renewal has failed by then. */
const CERTIFICATE_DAYS = 14
/** 30 s: tokens and sessions have lives of minutes. */
const MAX_SKEW_MS = 30_000
/** Almost the largest body and URL that the gateway takes. */
const LARGE_BODY = 15 * 1024
const LONG_URL = 7 * 1024

export interface Target {
  /** Address of the gateway for callers, with a slash at the end of its path. */
  url: URL
  /** A token of HOSTKEY, or the credential of a service. */
  token?: string | undefined
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Of the problem; undefined where the reply is not one of the gateway. */
  problem: string | undefined
  certificateEndsAt: number | undefined
}

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Sends a request whose target nothing rewrites: `fetch` would resolve its dot segments. */
const send = (url: URL, target: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const isTls = url.protocol === 'https:'
    const path = `${url.pathname.replace(/\/$/, '')}${target}`
    const options = {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port || (isTls ? 443 : 80),
      path,
      method,
      headers: { host: url.host, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      timeout: TIMEOUT_MS,
      agent: false as const
    }
    const outgoing = (isTls ? requestHttps : requestHttp)(options, reply => {
      const chunks: Buffer[] = []
      const { validTo } = certificateOf(reply.socket)
      reply.on('data', chunk => chunks.push(chunk))
      reply.on('error', reject)
      reply.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { headers, statusCode: status = 0 } = reply
        resolve({ status, headers, text, problem: problemIn(headers, text), certificateEndsAt: validTo })
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })

const certificateOf = (socket: object): { validTo: number | undefined } => {
  if (!('getPeerCertificate' in socket)) return { validTo: undefined }
  const { valid_to: validTo } = (socket as TLSSocket).getPeerCertificate()
  return { validTo: validTo === undefined ? undefined : Date.parse(validTo) }
}

const problemIn = (headers: IncomingHttpHeaders, text: string): string | undefined => {
  if (!headers['content-type']?.startsWith('application/problem+json')) return undefined
  try {
    return String(JSON.parse(text).type).split('/').at(-1)
  } catch {
    return undefined
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error
    ? 'code' in error && error.message === ''
      ? String(error.code)
      : error.message
    : String(error)

/** What to do about a certificate that callers refuse, by the code of Node's error. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired: its renewal has failed',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: get one for this name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: callers refuse it',
  SELF_SIGNED_CERT_IN_CHAIN: 'an authority that callers do not know has signed its certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'an authority that callers do not know has signed its certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the proxy does not send the intermediate certificate, or callers do not know its authority'
}

/** Why there is no answer at all, and what to mend. */
const unreachable = (origin: string, error: unknown): Finding => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const certificate = CERTIFICATES[code]
  return certificate
    ? finding('fault', 'TLS', `${origin} cannot be trusted: ${certificate} (${code}).`)
    : finding(
        'fault',
        'reachable',
        `${origin} does not answer: ${messageOf(error)}. Mend DNS, firewall or certificate.`
      )
}

/** Checks a gateway as its callers see it. It sends about twenty requests and changes nothing. */
export const examineFromOutside = async (target: Target): Promise<Finding[]> => {
  const { url } = target
  let first: Answer
  try {
    first = await send(url, '/livez')
  } catch (error) {
    return [unreachable(url.origin, error)]
  }
  if (first.status !== 200 || !/"status":\s*"ok"/.test(first.text)) {
    const path = url.pathname === '/' ? '' : ', or its path is not that of BASE_PATH'
    return [
      finding(
        'fault',
        'reachable',
        `${url.href}livez answers ${first.status}, not the gateway: the proxy does not forward it${path}.`
      )
    ]
  }
  const checks = [tls, redirect, clock, ready, publicUrl, metrics, paths, forgedAddress, headers, sizes, credential]
  const found: Finding[] = [finding('ok', 'reachable', `${url.href} is a gateway.`)]
  for (const check of checks) {
    try {
      found.push(...(await check(target, first)))
    } catch (error) {
      found.push(finding('fault', check.name, `A request fails: ${messageOf(error)}.`))
    }
  }
  return found
}

type Check = (target: Target, first: Answer) => Promise<Finding[]>

const tls: Check = async ({ url }, { certificateEndsAt }) => {
  if (url.protocol !== 'https:') {
    return isLoopback(url.hostname)
      ? [finding('ok', 'TLS', 'not needed on this machine.')]
      : [finding('fault', 'TLS', 'Tokens cross the network unencrypted, and no browser keeps the cookie: serve https.')]
  }
  const days = Math.floor(((certificateEndsAt ?? Number.NaN) - Date.now()) / DAY_MS)
  return [
    days < CERTIFICATE_DAYS
      ? finding('warning', 'TLS', `The certificate ends in ${days} days: its renewal has probably failed.`)
      : finding('ok', 'TLS', `The certificate is valid for ${days} days.`)
  ]
}

const redirect: Check = async ({ url }) => {
  if (url.protocol !== 'https:') return []
  const plain = new URL(url)
  plain.protocol = 'http:'
  plain.port = ''
  const answer = await send(plain, '/livez').catch(() => undefined)
  if (answer === undefined) return [finding('ok', 'http', 'Port 80 does not answer.')]
  const location = String(answer.headers.location ?? '')
  return answer.status >= 300 && answer.status < 400 && location.startsWith('https://')
    ? [finding('ok', 'http', 'Port 80 redirects to https.')]
    : [finding('fault', 'http', 'Port 80 serves the gateway without TLS: redirect it, or close it.')]
}

const clock: Check = async (_target, { headers: { date = '' } }) => {
  const skewMs = Date.parse(date) - Date.now()
  return [
    Math.abs(skewMs) > MAX_SKEW_MS
      ? finding(
          'warning',
          'clock',
          `The clock of the gateway differs from this one by ${Math.round(skewMs / 1000)} s: run a time service.`
        )
      : finding('ok', 'clock', 'The clocks agree.')
  ]
}

const ready: Check = async ({ url }) => {
  const { status } = await send(url, '/readyz')
  return status === 200
    ? [finding('ok', 'ready', 'The replica is ready.')]
    : [finding('fault', 'ready', `/readyz answers ${status}: /readyz of the management port says why.`)]
}

/** The base of problem types is PUBLIC_URL. */
const publicUrl: Check = async ({ url }) => {
  const { text } = await send(url, `/doctor-${randomUUID()}`)
  const base = URL.parse(String(JSON.parse(text).type))?.href.split('problems/', 1)[0]
  return [
    base === url.href
      ? finding('ok', 'PUBLIC_URL', `is ${base}`)
      : finding(
          'fault',
          'PUBLIC_URL',
          `is ${base}, and callers use ${url.href}: set it to that address. Logins of browsers fail.`
        )
  ]
}

const metrics: Check = async ({ url }) => {
  const { status, text } = await send(url, '/metrics')
  return status === 200 && text.includes('gateway_')
    ? [finding('fault', 'metrics', '/metrics is public: do not forward the management port.')]
    : [finding('ok', 'metrics', 'The management port is not public.')]
}

/** Targets that name nothing, and what each becomes when a proxy rewrites it: a page that exists. */
const REWRITTEN = {
  '/accounts/../livez': 'resolves dot segments',
  '/accounts/%2e%2e/livez': 'resolves encoded dot segments',
  '//livez': 'merges slashes',
  '/problems%2Finternal': 'decodes %2F'
}

const paths: Check = async ({ url }) => {
  const rewriting: string[] = []
  for (const [path, what] of Object.entries(REWRITTEN)) {
    const { status, problem } = await send(url, path)
    // A proxy that refuses such a path harms no other file.
    if (status < 300 || (problem === undefined && status < 400)) rewriting.push(what)
  }
  return rewriting.length === 0
    ? [finding('ok', 'paths', 'The proxy forwards the request target unchanged.')]
    : [
        finding(
          'fault',
          'paths',
          `The proxy ${rewriting.join(', ')}: a file key could name another file or bucket. Forward the target unchanged (docs/how-to/deploy-behind-a-proxy.md).`
        )
      ]
}

/** Requests with another X-Forwarded-For each: they must count against one limit. */
const forgedAddress: Check = async ({ url }) => {
  const left: number[] = []
  for (const last of [1, 2, 3]) {
    const { headers } = await send(url, '/problems/internal', {
      headers: { 'x-forwarded-for': `203.0.113.${last * 60}` }
    })
    left.push(Number(/"ip";r=(\d+)/.exec(String(headers['ratelimit']))?.[1]))
  }
  if (left.some(Number.isNaN))
    return [finding('warning', 'address', 'The proxy removes the header RateLimit from replies.')]
  return new Set(left).size === 1
    ? [
        finding(
          'fault',
          'address',
          'Callers can forge their address with X-Forwarded-For: the proxy must overwrite it, and TRUST_PROXY must list only the proxy.'
        )
      ]
    : [finding('ok', 'address', 'Callers cannot forge their address.')]
}

const headers: Check = async ({ url }) => {
  const id = `doctor-${randomUUID()}`
  const csrf = await send(url, '/session', {
    method: 'POST',
    headers: { 'x-csrf': '1', 'x-request-id': id },
    body: '{}'
  })
  // The gateway refuses such a name; a proxy may drop it.
  const converted = await send(url, '/session', { method: 'POST', headers: { x_csrf: '1' }, body: '{}' })
  return [
    converted.problem !== 'csrf-rejected' && !converted.text.includes('underscore')
      ? finding('fault', 'header names', 'The proxy turns _ into - in header names: callers can forge headers.')
      : finding('ok', 'header names', 'with _ are dropped or refused.'),
    csrf.problem === 'csrf-rejected'
      ? finding('fault', 'X-CSRF', 'The proxy removes the header X-CSRF: no browser can log in.')
      : finding('ok', 'X-CSRF', 'arrives.'),
    csrf.headers['x-request-id'] === id
      ? finding('ok', 'X-Request-Id', 'arrives, and comes back.')
      : finding('warning', 'X-Request-Id', 'The proxy replaces X-Request-Id: the id of a caller is not in the log.')
  ]
}

const sizes: Check = async ({ url }) => {
  const body = JSON.stringify({ token: 'x'.repeat(LARGE_BODY) })
  const large = await send(url, '/session', { method: 'POST', headers: { 'x-csrf': '1' }, body })
  const long = await send(url, `/accounts?doctor=${'x'.repeat(LONG_URL)}`)
  return [
    large.problem === undefined
      ? finding('warning', 'bodies', `The proxy refuses a body of 15 KiB (${large.status}); the gateway takes 16 KiB.`)
      : finding('ok', 'bodies', 'of 15 KiB arrive.'),
    long.problem === undefined
      ? finding(
          'warning',
          'URLs',
          `The proxy refuses a URL of 7 KiB (${long.status}): a file path has up to 3 KiB when encoded.`
        )
      : finding('ok', 'URLs', 'of 7 KiB arrive.')
  ]
}

const credential: Check = async ({ url, token }) => {
  if (token === undefined)
    return [finding('unknown', 'credential', 'none given: set DOCTOR_TOKEN to check calls to HOSTKEY.')]
  const authorization = `Bearer ${token}`
  const { status, problem } = await send(url, '/accounts?limit=1', { headers: { authorization } })
  // Names no plan: nothing can be ordered.
  const order = await send(url, '/orders', {
    method: 'POST',
    headers: { authorization, 'idempotency-key': randomUUID() },
    body: '{}'
  })
  const hasKey = !order.text.includes('idempotency-key')
  return [
    status === 200
      ? finding('ok', 'credential', 'A list of accounts came from HOSTKEY.')
      : finding(
          'fault',
          'credential',
          `The list of accounts answers ${status} ${problem ?? ''}: see docs/reference/problems.md.`
        ),
    hasKey
      ? finding('ok', 'Idempotency-Key', 'arrives.')
      : finding('fault', 'Idempotency-Key', 'The proxy removes the header Idempotency-Key: no order is possible.')
  ]
}
