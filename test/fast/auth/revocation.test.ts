import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { createRevocation } from '../../../src/auth/revocation.ts'
import { Problem } from '../../../src/core/problem.ts'
import { Secret } from '../../../src/core/secret.ts'
import type { Auth } from '../../../src/upstream/auth.ts'
import { eventually } from '../../support/harness/eventually.ts'

/** HOSTKEY's logout, which ends when the test lets it, and what became of it. */
const office = () => {
  const asked: string[] = []
  const answers: { end(): void; fail(problem: Problem): void }[] = []
  let failures = 0
  const auth: Pick<Auth, 'revoke'> = {
    revoke(token) {
      asked.push(token.reveal())
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      answers.push({ end: resolve, fail: reject })
      return promise
    }
  }
  const revoke = createRevocation(auth as Auth, () => {
    failures += 1
  })
  return { asked, answers, revoke: (token: string) => revoke(new Secret(token)), failures: () => failures }
}

const away = () => new Problem('upstream-unavailable', 'away')

t.test('tokens are ended one after the other, also after a pause', async t => {
  const { asked, answers, revoke, failures } = office()
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

t.test('a token that HOSTKEY does not accept has ended already', async t => {
  const { asked, answers, revoke, failures } = office()
  revoke('one')
  answers[0]?.fail(new Problem('invalid-token', 'no'))
  await setImmediate()
  revoke('two')
  t.same(asked, ['one', 'two'])
  t.equal(failures(), 0)
})

t.test(
  'a token that cannot be ended is tried three times, 2 s apart, then counted, and the next one is ended',
  async t => {
    const { asked, answers, revoke, failures } = office()
    // The pauses do not keep the process alive.
    const alive = setInterval(() => undefined, 1000)
    t.after(() => clearInterval(alive))
    const startedAt = performance.now()
    revoke('one')
    revoke('two')
    for (let tries = 0; tries < 3; tries += 1) {
      t.ok(await eventually(() => answers.length === tries + 1))
      t.equal(failures(), 0)
      answers[tries]?.fail(away())
    }
    t.ok(await eventually(() => asked.length === 4))
    t.same(asked, ['one', 'one', 'one', 'two'])
    t.equal(failures(), 1)
    const ms = performance.now() - startedAt
    t.ok(ms >= 3990, `${ms} ms`)
  }
)

t.test('a thousand wait; beyond them the oldest run out by themselves', async t => {
  const { asked, answers, revoke } = office()
  revoke('under way')
  for (let n = 0; n < 1001; n += 1) revoke(String(n))
  for (let n = 0; n < 1001; n += 1) {
    answers[n]?.end()
    await setImmediate()
  }
  t.equal(asked.length, 1001)
  t.same(asked.slice(0, 3), ['under way', '1', '2'])
})
