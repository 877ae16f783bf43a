import type { Test } from 'tap'
import { type ProblemName, problems } from '../../../schemas/problems.ts'
import type { Reply } from '../harness/gateway.ts'

/** Asserts that a reply is this problem, in the form of every problem. */
export const fails = (t: Test, reply: Reply, status: number, name: ProblemName, members: object = {}): void => {
  t.equal(reply.statusCode, status, reply.text)
  t.match(reply.headers['content-type'], /^application\/problem\+json(; charset=utf-8)?$/)
  const { type, ...body } = reply.json()
  t.ok(String(type).endsWith(`/problems/${name}`), `${type} is ${name}`)
  t.hasStrict(body, { status, title: problems[name].title, instance: reply.headers['x-request-id'], ...members })
}

/** Asserts that a reply is this success, with exactly this body. */
export const succeeds = (t: Test, reply: Reply, status: number, body: unknown): void => {
  t.equal(reply.statusCode, status, reply.text)
  t.strictSame(reply.text === '' ? '' : reply.json(), body)
}
