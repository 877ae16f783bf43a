import { randomUUID } from 'node:crypto'
import { finding } from './finding.ts'
import { type Check, send } from './sending.ts'

/** Targets that name nothing, and what each becomes when a proxy rewrites it: a page that exists. */
const REWRITTEN = {
  '/accounts/../livez': 'resolves dot segments',
  '/accounts/%2e%2e/livez': 'resolves encoded dot segments',
  '//livez': 'merges slashes',
  '/problems%2Finternal': 'decodes %2F'
}

export const paths: Check = async ({ url }) => {
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
export const forgedAddress: Check = async ({ url }) => {
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

export const headers: Check = async ({ url }) => {
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
