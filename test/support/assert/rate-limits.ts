import { parseList } from 'structured-headers'
import type { Test } from 'tap'
import type { Reply } from '../harness/gateway.ts'
import { fails } from './expect.ts'

export interface Limit {
  quota: number
  windowSeconds: number
  remaining: number
  resetSeconds: number
}

/** A list of structured fields whose items are names with these integer parameters and no others. */
const read = (t: Test, field: string, expected: string[]): [string, number[]][] =>
  parseList(field).map(([name, parameters]) => {
    t.strictSame([...parameters.keys()], expected, field)
    t.ok(typeof name === 'string' && [...parameters.values()].every(Number.isInteger), field)
    return [String(name), [...parameters.values()].map(Number)]
  })

/** The limits that the headers of a reply report, in the form of draft-ietf-httpapi-ratelimit-headers. */
export const limitsOf = (t: Test, { headers }: Reply): Record<string, Limit> => {
  const policies = read(t, headers['ratelimit-policy'] ?? '', ['q', 'w'])
  const states = new Map(read(t, headers['ratelimit'] ?? '', ['r', 't']))
  t.strictSame(
    [...states.keys()],
    policies.map(([name]) => name),
    'each limit has its policy'
  )
  return Object.fromEntries(
    policies.map(([name, [quota = -1, windowSeconds = -1]]) => {
      const [remaining = -1, resetSeconds = -1] = states.get(name) ?? []
      t.ok(quota >= 1 && remaining >= 0 && remaining < quota, `${name}: ${remaining} of ${quota}`)
      t.ok(resetSeconds >= 0 && resetSeconds <= windowSeconds, `${name}: ${resetSeconds} of ${windowSeconds} s`)
      return [name, { quota, windowSeconds, remaining, resetSeconds }]
    })
  )
}

/** 429 that names the limit, and says when to repeat the request. */
export const isLimited = (t: Test, reply: Reply, name: string): void => {
  fails(t, reply, 429, 'rate-limited')
  const limit = limitsOf(t, reply)[name]
  t.equal(limit?.remaining, 0, `by ${name}: ${reply.headers['ratelimit']}`)
  t.equal(reply.headers['retry-after'], String(Math.max(1, limit?.resetSeconds ?? -1)))
  t.match(reply.json().detail, `\`${name}\``)
}
