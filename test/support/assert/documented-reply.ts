import type { Test } from 'tap'
import { examples } from '../../../schemas/examples/index.ts'
import type { Gateway, Reply } from '../harness/gateway.ts'
import { type DescribedReply, type Operation, requestOf } from './document.ts'
import { isLikeExample } from './like-example.ts'

/** Headers with an example of their own in each reply. */
const OWN_HEADERS = ['Location', 'Link']

/** Replies that the document shows in full: successes, and the failure that is no problem. */
export const ownRepliesOf = ({ responses }: Operation): [status: string, DescribedReply][] =>
  Object.entries(responses).filter(
    ([status, { content = {} }]) => status.startsWith('2') || (Object.keys(content).length > 0 && !(PROBLEM in content))
  )

const PROBLEM = 'application/problem+json'

/** Sends the example request of the reply, and compares the whole of what comes. @returns how many examples it was */
export const answersAsDocumented = async (
  t: Test,
  { send, sandbox }: Gateway,
  operation: Operation,
  [status, reply]: [string, DescribedReply],
  mount = ''
): Promise<number> => {
  const types = Object.entries(reply.content ?? {})
  const { path, headers, body } = requestOf(operation, reply['x-example-request']?.parameters)
  const token = operation.security.length > 0 ? sandbox.demo.token : null
  const ask = (accept?: string) =>
    send(operation.method, path, {
      token,
      headers: { ...headers, ...(accept !== undefined && { accept }) },
      ...(body !== undefined && { body })
    })
  if (types.length === 0) {
    const answer = await ask()
    t.equal(String(answer.statusCode), status, answer.text)
    t.equal(answer.text, '')
    return 1
  }
  for (const [type, { example, examples }] of types) {
    const answer = await ask(types.length > 1 ? type : undefined)
    t.equal(String(answer.statusCode), status, answer.text)
    t.match(answer.headers['content-type'] ?? '', type)
    const varies = reply['x-varies'] ?? []
    if (examples) {
      const lines = answer.text.trimEnd().split('\n')
      const shown = Object.values(examples).map(({ value }) => value)
      t.strictSame(
        lines.map(line => JSON.parse(line)),
        shown,
        'the lines'
      )
      continue
    }
    const shown = type.endsWith('json') ? answer.json() : answer.text
    if (example !== undefined) isLikeExample(t, shown, example, varies)
    hasHeadersLike(t, answer, reply, headersOf(operation, status, mount))
  }
  return types.length
}

/** The headers of the example, below the mount point. */
export const headersOf = ({ operationId }: Operation, status: string, mount = ''): Partial<Record<string, string>> => {
  const { headers = {} } = examples[operationId]?.replies[Number(status)] ?? {}
  return Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name, text.replace(/^<?(?=\/)/, before => `${before}${mount}`)])
  )
}

/** An id that differs in each reply also differs in the addresses that contain it. */
const hasHeadersLike = (
  t: Test,
  answer: Reply,
  { headers = {}, content = {}, 'x-varies': varies = [] }: DescribedReply,
  examples: Partial<Record<string, string>>
) => {
  const [{ example } = {}] = Object.values(content)
  for (const name of OWN_HEADERS.filter(name => name in headers)) {
    const shown = examples[name]
    t.type(shown, 'string', `${name} has an example of its own`)
    const wanted = varies.reduce((text, pointer) => {
      const [was, is] = [example, answer.json()].map(body => String(Object(body)[pointer.slice(1)]))
      return text.replaceAll(was ?? '', is ?? '')
    }, shown ?? '')
    t.equal(answer.headers[name.toLowerCase()], wanted, name)
  }
}
