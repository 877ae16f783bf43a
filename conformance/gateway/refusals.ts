import { randomBytes } from 'node:crypto'
import { check, expect, Unchecked } from '../report.ts'
import { type Ask, expectProblem, type Stage } from './stage.ts'

/** One request that must be refused, and how. */
interface Refusal {
  readonly subject: string
  readonly ask: Ask
  readonly status: number
  readonly names: readonly string[]
  /** A header that must come with it. */
  readonly header?: readonly [name: string, pattern: RegExp]
}

/** Requests that a gateway must refuse, each by GET: statuses, names, and headers of problems. */
export const checkRefusals = async (stage: Stage): Promise<void> => {
  for (const { subject, ask, status, names, header } of refusalsFor(stage)) {
    await check(stage.report, subject, async () => {
      const answer = await stage.send(ask)
      const got = expectProblem(stage, answer, status, names)
      if (header)
        expect(header[1].test(answer.headers[header[0]] ?? ''), `the header ${header[0]} is not as it should be`)
      return got
    })
  }
  await check(stage.report, 'X-Request-Id', async () => {
    const id = `conformance-${randomBytes(6).toString('hex')}`
    const answer = await stage.send({ path: 'livez', token: null, headers: { 'x-request-id': id } })
    expect(answer.headers['x-request-id'] === id, 'the caller’s own id is not kept')
    return 'the caller’s own is kept'
  })
  await check(stage.report, 'pages of problems', () => checkPages(stage))
}

const refusalsFor = ({ known }: Stage): Refusal[] => {
  const nobody = `s3_user_${randomBytes(8).toString('hex')}`
  const s3uid = known.s3uid === undefined ? undefined : encodeURIComponent(known.s3uid)
  return [
    {
      subject: 'without a credential',
      ask: { path: 'accounts', token: null },
      status: 401,
      names: ['unauthenticated'],
      header: ['www-authenticate', /^Bearer/]
    },
    {
      subject: 'a made-up token',
      ask: { path: 'accounts', token: randomBytes(16).toString('hex') },
      status: 401,
      names: ['invalid-token'],
      header: ['www-authenticate', /^Bearer.*error="invalid_token"/]
    },
    refusal('an account that does not exist', `accounts/${nobody}`, 404, 'account-not-found'),
    refusal('buckets of an account that does not exist', `accounts/${nobody}/buckets`, 404, 'account-not-found'),
    refusal('a plan that does not exist', 'plans/2147483647', 404, 'plan-not-found'),
    refusal('a path that does not exist', 'no-such-path', 404, 'route-not-found'),
    refusal('a problem that does not exist', 'problems/no-such-problem', 404, 'route-not-found'),
    { ...refusal('a method that the path lacks', 'sessions', 405, 'method-not-allowed'), header: ['allow', /DELETE/] },
    {
      subject: 'a type that is not offered',
      ask: { path: 'accounts', headers: { accept: 'text/csv' } },
      status: 406,
      names: ['not-acceptable']
    },
    refusal('an unknown parameter', 'accounts?no_such_parameter=1', 400, 'invalid-request'),
    refusal('a limit out of range', 'accounts?limit=0', 400, 'invalid-request'),
    refusal('a parameter given twice', 'accounts?limit=1&limit=2', 400, 'invalid-request'),
    refusal('a path that is not well encoded', 'accounts/%zz', 400, 'malformed-url'),
    refusal('a query that is not UTF-8', 'accounts?limit=%ff', 400, 'malformed-url'),
    refusal('a URL of 9000 characters', `accounts?limit=${'1'.repeat(9000)}`, 414, 'uri-too-long'),
    ...(s3uid === undefined ? [] : refusalsWithin(s3uid, known.buckets[0]))
  ]
}

const refusalsWithin = (s3uid: string, bucket: string | undefined): Refusal[] => {
  const files = (name: string) => `accounts/${s3uid}/buckets/${encodeURIComponent(name)}/files`
  const none = refusal(
    'files of a bucket that does not exist',
    files(`none-${randomBytes(8).toString('hex')}`),
    404,
    'bucket-not-found'
  )
  if (bucket === undefined) return [none]
  return [none, refusal('a made-up cursor', `${files(bucket)}?cursor=made-up`, 400, 'invalid-cursor')]
}

const refusal = (subject: string, path: string, status: number, name: string): Refusal => ({
  subject,
  ask: { path },
  status,
  names: [name]
})

/** Each problem that the document shows has a page for people. */
const checkPages = async ({ send, contract }: Stage): Promise<string> => {
  // What looks otherwise at some operations stands there once more, as `<name>.<operation>`.
  const names = Object.keys(contract.document.components.examples ?? {}).filter(name => !name.includes('.'))
  // A few stand for all where requests are dear.
  const some = names.filter((_, place) => place % Math.ceil(names.length / 5) === 0)
  if (some.length === 0) throw new Unchecked('the document names no problem')
  for (const name of some) {
    const { status, headers } = await send({ path: `problems/${encodeURIComponent(name)}`, token: null })
    expect(status === 200 && /^text\/html/.test(headers['content-type'] ?? ''), `${name} has no page`)
  }
  return `${some.length} of ${names.length} looked at`
}
