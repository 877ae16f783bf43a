import { randomBytes } from 'node:crypto'
import { check, expect, NotChecked } from '../report.ts'
import { type CheckContext, expectProblem, type GatewayRequest } from './context.ts'

/** A request that must be refused, and the expected problem. */
interface Refusal {
  readonly subject: string
  readonly request: GatewayRequest
  readonly status: number
  readonly names: readonly string[]
  /** A required header of the reply. */
  readonly header?: readonly [name: string, pattern: RegExp]
}

/** Sends requests that a gateway must refuse, all with GET. Checks status, name and headers of each problem. */
export const checkRefusals = async (context: CheckContext): Promise<void> => {
  for (const { subject, request, status, names, header } of refusalsFor(context)) {
    await check(context.report, subject, async () => {
      const response = await context.send(request)
      const received = expectProblem(context, response, status, names)
      if (header)
        expect(header[1].test(response.headers[header[0]] ?? ''), `the header ${header[0]} has an unexpected value`)
      return received
    })
  }
  await check(context.report, 'X-Request-Id', async () => {
    const id = `conformance-${randomBytes(6).toString('hex')}`
    const response = await context.send({ path: 'livez', token: null, headers: { 'x-request-id': id } })
    expect(response.headers['x-request-id'] === id, 'the request id of the caller is replaced')
    return 'the request id of the caller is kept'
  })
  await check(context.report, 'problem pages', () => checkPages(context))
}

const refusalsFor = ({ discovered }: CheckContext): Refusal[] => {
  const unknown = `s3_user_${randomBytes(8).toString('hex')}`
  const s3uid = discovered.s3uid === undefined ? undefined : encodeURIComponent(discovered.s3uid)
  return [
    {
      subject: 'without a credential',
      request: { path: 'accounts', token: null },
      status: 401,
      names: ['unauthenticated'],
      header: ['www-authenticate', /^Bearer/]
    },
    {
      subject: 'an invalid token',
      request: { path: 'accounts', token: randomBytes(16).toString('hex') },
      status: 401,
      names: ['invalid-token'],
      header: ['www-authenticate', /^Bearer.*error="invalid_token"/]
    },
    refusal('an unknown account', `accounts/${unknown}`, 404, 'account-not-found'),
    refusal('buckets of an unknown account', `accounts/${unknown}/buckets`, 404, 'account-not-found'),
    refusal('an unknown plan', 'plans/2147483647', 404, 'plan-not-found'),
    refusal('an unknown path', 'no-such-path', 404, 'route-not-found'),
    refusal('an unknown problem', 'problems/no-such-problem', 404, 'route-not-found'),
    {
      ...refusal('an unsupported method', `accounts/${unknown}/termination`, 405, 'method-not-allowed'),
      header: ['allow', /DELETE/]
    },
    {
      subject: 'an unsupported media type',
      request: { path: 'accounts', headers: { accept: 'text/csv' } },
      status: 406,
      names: ['not-acceptable']
    },
    refusal('an unknown parameter', 'accounts?no_such_parameter=1', 400, 'invalid-request'),
    refusal('a limit out of range', 'accounts?limit=0', 400, 'invalid-request'),
    refusal('a duplicate parameter', 'accounts?limit=1&limit=2', 400, 'invalid-request'),
    early('a path with invalid percent-encoding', 'accounts/%zz', 400, 'malformed-url'),
    early('a query that is not UTF-8', 'accounts?limit=%ff', 400, 'malformed-url'),
    early('a URL of 9000 characters', `accounts?limit=${'1'.repeat(9000)}`, 414, 'uri-too-long'),
    ...(s3uid === undefined ? [] : refusalsWithin(s3uid, discovered.buckets[0]))
  ]
}

const refusalsWithin = (s3uid: string, bucket: string | undefined): Refusal[] => {
  const files = (name: string) => `accounts/${s3uid}/buckets/${encodeURIComponent(name)}/files`
  const none = refusal(
    'files of an unknown bucket',
    files(`none-${randomBytes(8).toString('hex')}`),
    404,
    'bucket-not-found'
  )
  if (bucket === undefined) return [none]
  return [none, refusal('an invalid cursor', `${files(bucket)}?cursor=invalid`, 400, 'invalid-cursor')]
}

const refusal = (subject: string, path: string, status: number, name: string): Refusal => ({
  subject,
  request: { path },
  status,
  names: [name]
})

/** Many proxies refuse such a URL themselves. */
const early = (...of: Parameters<typeof refusal>): Refusal => {
  const { request, ...rest } = refusal(...of)
  return { ...rest, request: { ...request, mayEndAtProxy: true } }
}

/** A sample of the documented problems: each has an HTML page. */
const checkPages = async ({ send, contract }: CheckContext): Promise<string> => {
  const names = contract.document.components.schemas?.['Problem']?.properties?.['name']?.enum ?? []
  // Five at most: the number of requests is limited.
  const sample = names.filter((_, index) => index % Math.ceil(names.length / 5) === 0)
  if (sample.length === 0) throw new NotChecked('the document has no problem')
  for (const name of sample) {
    const { status, headers } = await send({ path: `problems/${encodeURIComponent(name)}`, token: null })
    expect(status === 200 && /^text\/html/.test(headers['content-type'] ?? ''), `${name} has no page`)
  }
  return `${sample.length} of ${names.length} checked`
}
