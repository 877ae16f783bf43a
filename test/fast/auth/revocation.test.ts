import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { createRevocation } from '../../../src/auth/revocation.ts'
import { Problem } from '../../../src/core/problem.ts'
import { Secret } from '../../../src/core/secret.ts'
import type { Auth } from '../../../src/upstream/auth.ts'
import { eventually } from '../../support/harness/eventually.ts'

/** A revocation whose logouts at HOSTKEY the test answers one by one. */
const controlled = () => {
  const asked: string[] = []
  const answers: { end(): void; fail(problem: Problem): void }[] = []
  let failures = 0
  const revoked: string[] = []
  const auth: Pick<Auth, 'revoke'> = {
    revoke(token) {
      asked.push(token.reveal())
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      answers.push({ end: resolve, fail: reject })
      return promise
    }
  }
  const revoke = createRevocation(auth as Auth, {
    onRevoked: token => revoked.push(token.reveal()),
    onFailed: () => {
      failures += 1
    }
  })
  return { revoked, asked, answers, revoke: (token: string) => revoke(new Secret(token)), failures: () => failures }
}

const unavailable = () => new Problem('upstream-unavailable', 'unavailable')

t.test('tokens are revoked one after the other, and again after the queue was empty', async t => {
  const { asked, answers, revoke, failures } = controlled()
  revoke('one')
  revoke('two')
  await setImmediate()
  t.same(asked, ['one'])
  answers[0]?.end()
  await setImmediate()
  t.same(asked, ['one', 'two'])
  answers[1]?.end()
  await setImmediate()
  revoke('three')
  await setImmediate()
  t.same(asked, ['one', 'two', 'three'])
  t.equal(failures(), 0)
})

t.test('a token that HOSTKEY does not accept counts as revoked', async t => {
  const { revoked, asked, answers, revoke, failures } = controlled()
  revoke('one')
  answers[0]?.fail(new Problem('invalid-token', 'no'))
  await setImmediate()
  revoke('two')
  t.same(asked, ['one', 'two'])
  t.same(revoked, ['one'])
  t.equal(failures(), 0)
})

t.test(
  'a token that cannot be revoked is tried three times, 2 s apart, then reported, and the next one is revoked',
  async t => {
    const { asked, answers, revoke, failures } = controlled()
    // The pauses between attempts do not keep the process alive.
    const alive = setInterval(() => undefined, 1000)
    t.after(() => clearInterval(alive))
    const startedAt = performance.now()
    revoke('one')
    revoke('two')
    for (let attempt = 0; attempt < 3; attempt += 1) {
      t.ok(await eventually(() => answers.length === attempt + 1))
      t.equal(failures(), 0)
      answers[attempt]?.fail(unavailable())
    }
    t.ok(await eventually(() => asked.length === 4))
    t.same(asked, ['one', 'one', 'one', 'two'])
    t.equal(failures(), 1)
    const ms = performance.now() - startedAt
    t.ok(ms >= 3990, `${ms} ms`)
  }
)

t.test('at most 1000 tokens wait; the oldest are dropped', async t => {
  const { asked, answers, revoke } = controlled()
  revoke('running')
  for (let n = 0; n < 1001; n += 1) revoke(String(n))
  for (let n = 0; n < 1001; n += 1) {
    answers[n]?.end()
    await setImmediate()
  }
  t.equal(asked.length, 1001)
  t.same(asked.slice(0, 3), ['running', '1', '2'])
})
