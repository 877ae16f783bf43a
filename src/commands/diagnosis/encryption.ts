import { isLoopback } from '../../core/address.ts'
import { type Finding, finding } from './finding.ts'
import { type Check, messageOf, send } from './sending.ts'

const DAY_MS = 24 * 3_600_000
/** An automatic renewal has failed by then: two weeks before the end, or when a quarter of a shorter life is left. */
const LATE_MS = 14 * DAY_MS
const LATE_SHARE = 1 / 4

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
export const unreachable = (origin: string, error: unknown): Finding => {
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

export const tls: Check = async ({ url }, { certificate }) => {
  if (!certificate) {
    return isLoopback(url.hostname)
      ? [finding('ok', 'TLS', 'not needed on this machine.')]
      : [finding('fault', 'TLS', 'Tokens cross the network unencrypted, and no browser keeps the cookie: serve https.')]
  }
  const { startsAt, endsAt } = certificate
  const leftMs = endsAt - Date.now()
  const left = `${(leftMs / DAY_MS).toFixed(1)} days`
  return [
    leftMs < Math.min(LATE_MS, (endsAt - startsAt) * LATE_SHARE)
      ? finding('warning', 'TLS', `The certificate ends in ${left}: its renewal has probably failed.`)
      : finding('ok', 'TLS', `The certificate is valid for ${left}.`)
  ]
}

export const redirect: Check = async ({ url }) => {
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
