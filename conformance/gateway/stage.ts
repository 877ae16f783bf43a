import type { Options } from '../options.ts'
import { expect, type Report, Unchecked } from '../report.ts'
import type { Answer, Request, Sender } from '../sender.ts'
import { type Contract, problemName } from './document.ts'

/** What the checks of a gateway work with. */
export interface Stage {
  readonly options: Options
  readonly report: Report
  readonly contract: Contract
  readonly known: Known
  /** Sends a request with the credential, and looks at what every reply must have. @throws Mismatch, Unanswered */
  send(request: Ask): Promise<Answer>
}

export interface Ask extends Partial<Request> {
  readonly path: string
  /** null sends none. */
  readonly token?: string | null
}

/** What was learned on the way. */
export interface Known {
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
  'cache-control': /^(no-store|private, (no-cache|max-age=\d+))$/
}

/** Makes `send`. */
export const createSend =
  (sender: Sender, credential: string): Stage['send'] =>
  async ({ path, method = 'GET', headers = {}, body, token = credential }) => {
    const answer = await sender.send({
      method,
      path,
      headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body })
    })
    for (const [name, pattern] of Object.entries(REQUIRED)) {
      const sent = answer.headers[name]
      expect(sent !== undefined, `${answer.status} comes without the header ${name}`)
      expect(pattern.test(sent), `the header ${name} is not as it should be`)
    }
    expect(!answer.text.includes(credential), 'the reply repeats the credential')
    return answer
  }

/** The statuses that are nobody's fault: a credential with few rights, and a limit. @throws Unchecked */
export const assertAllowed = ({ status, headers, text }: Answer): void => {
  if (status === 403 && problemName(text) === 'insufficient-scope')
    throw new Unchecked('the credential lacks the scope')
  if (status === 429) throw new Unchecked(`the limit is reached; again in ${headers['retry-after'] ?? 'some'} s`)
}

/** A status, and of a refusal its name: `401 invalid-token`. */
export const told = ({ status, text }: Answer): string =>
  status >= 400 ? `${status} ${problemName(text)}` : `${status}`

/** A refusal with this status and name. @throws Mismatch */
export const expectProblem = (stage: Stage, answer: Answer, status: number, names: readonly string[]): string => {
  assertAllowed(answer)
  const got = told(answer)
  expect(answer.status === status, `answers ${got} instead of ${status} ${names.join(' or ')}`)
  stage.contract.holdProblem(answer)
  expect(names.includes(problemName(answer.text)), `answers ${got} instead of ${names.join(' or ')}`)
  expect(answer.headers['cache-control'] === 'no-store', 'a failure may be stored')
  const { instance } = JSON.parse(answer.text)
  expect(instance === answer.headers['x-request-id'], 'its instance is not the id of the request')
  return got
}
