import type { Options } from '../options.ts'
import { expect, NotChecked, type Report } from '../report.ts'
import type { HttpRequest, HttpResponse, Sender } from '../sender.ts'
import { type Contract, problemName } from './document.ts'

/** What the checks of a gateway work with. */
export interface CheckContext {
  readonly options: Options
  readonly report: Report
  readonly contract: Contract
  readonly discovered: Discovered
  /** Sends a request with the credential, and checks the headers of every reply. @throws Mismatch, NotChecked, RequestFailed */
  send(request: GatewayRequest): Promise<HttpResponse>
}

export interface GatewayRequest extends Partial<HttpRequest> {
  readonly path: string
  /** null sends no credential; by default the one of the run. */
  readonly token?: string | null
  /** A proxy in front may refuse it before the gateway does, with 4xx. */
  readonly mayEndAtProxy?: boolean
}

/** Resources of the account, found by the first checks and used by later ones. */
export interface Discovered {
  s3uid?: string
  planId?: string
  buckets: string[]
}

const REQUIRED: Readonly<Record<string, RegExp>> = {
  'x-request-id': /^[\x21-\x7e]{1,128}$/,
  'x-content-type-options': /^nosniff$/,
  'content-security-policy': /default-src|frame-ancestors/,
  'referrer-policy': /^no-referrer$/,
  'x-frame-options': /^DENY$/,
  'cross-origin-resource-policy': /^same-origin$/,
  'strict-transport-security': /^max-age=\d+/,
  // Event streams are no-transform too: no proxy collects them.
  'cache-control': /^(no-store(, no-transform)?|private, (no-cache|max-age=\d+))$/
}

/** The document is for everyone. */
const REQUIRED_OF_DOCUMENT: typeof REQUIRED = {
  ...REQUIRED,
  'cross-origin-resource-policy': /^cross-origin$/,
  'cache-control': /^public, max-age=\d+$/
}

export const createSend =
  (sender: Sender, credential: string): CheckContext['send'] =>
  async ({ path, method = 'GET', headers = {}, body, token = credential, mayEndAtProxy }) => {
    const response = await sender.send({
      method,
      path,
      headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body })
    })
    if (mayEndAtProxy && isOfProxy(response))
      throw new NotChecked(`a proxy replies ${response.status} before the gateway`)
    for (const [name, pattern] of Object.entries(path === 'openapi.json' ? REQUIRED_OF_DOCUMENT : REQUIRED)) {
      const sent = response.headers[name]
      expect(sent !== undefined, `${response.status} lacks the header ${name}`)
      expect(pattern.test(sent), `the header ${name} has an unexpected value`)
    }
    expect(!response.text.includes(credential), 'the reply contains the credential')
    return response
  }

/** The gateway gives each reply an id, and refuses with a problem. */
const isOfProxy = ({ status, headers }: HttpResponse) =>
  status >= 400 &&
  status < 500 &&
  headers['x-request-id'] === undefined &&
  !headers['content-type']?.startsWith('application/problem+json')

/** A missing scope, a rate limit and a part that is not configured are no failures of the gateway. @throws NotChecked */
export const assertAllowed = ({ status, headers, text }: HttpResponse): void => {
  if (status === 403 && problemName(text) === 'insufficient-scope')
    throw new NotChecked('the credential lacks the scope')
  if (status === 501 && problemName(text) === 'endpoint-not-configured')
    throw new NotChecked('the gateway has no STORAGE_ENDPOINTS for it')
  if (status === 429)
    throw new NotChecked(`the rate limit is reached; retry after ${headers['retry-after'] ?? 'some'} s`)
}

/** The status, and the name of the problem if there is one: `401 invalid-token`. */
export const describeStatus = ({ status, text }: HttpResponse): string =>
  status >= 400 ? `${status} ${problemName(text)}` : `${status}`

/** Checks a problem: its status, name, headers and body. @throws Mismatch */
export const expectProblem = (
  context: CheckContext,
  response: HttpResponse,
  status: number,
  names: readonly string[]
): string => {
  assertAllowed(response)
  const received = describeStatus(response)
  expect(response.status === status, `${received} instead of ${status} ${names.join(' or ')}`)
  context.contract.assertProblem(response)
  expect(names.includes(problemName(response.text)), `${received} instead of ${names.join(' or ')}`)
  expect(response.headers['cache-control'] === 'no-store', 'Cache-Control of a problem is not no-store')
  const { instance } = JSON.parse(response.text)
  expect(instance === response.headers['x-request-id'], 'instance is not the request id')
  return received
}
