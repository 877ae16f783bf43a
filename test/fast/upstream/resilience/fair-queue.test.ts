import { setTimeout as pause, setImmediate } from 'node:timers/promises'
import t from 'tap'
import { isStranger, strangerAt } from '../../../../src/core/caller.ts'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import {
  createFairQueue,
  type FairQueueOptions,
  MAX_IN_FLIGHT,
  MAX_WAITING,
  type Share
} from '../../../../src/upstream/resilience/fair-queue.ts'

const never = new AbortController().signal

const queueOf = (options: Partial<FairQueueOptions> = {}) => {
  const queue = createFairQueue({ slots: 4, strangerSlots: 4, maxWaitMs: 20_000, ...options })
  const order: string[] = []
  const shares: Share[] = []
  const faults: unknown[] = []
  /** Takes a slot, or waits for one. */
  const ask = (who: string, { waitMs = 20_000, signal = never, isUrgent = false, factor = 1, id = who } = {}) => {
    const accept = (share: Share) => {
      order.push(who)
      shares.push(share)
    }
    const caller = { share: who, id, limitFactor: factor }
    const share = queue.enter(caller)
    if (share) return accept(share)
    const until = performance.now() + waitMs
    queue.wait(caller, { until, signal, isUrgent }).then(accept, fault => faults.push(fault))
  }
  const askTimes = (who: string, count: number) => {
    for (let n = 0; n < count; n += 1) ask(who)
  }
  /** The first call of a caller ends. */
  const end = async (who: string, id = who) => {
    const index = shares.findIndex(({ key }) => key === who)
    const [share] = shares.splice(index, 1)
    if (share) queue.leave(share, id)
    await setImmediate()
  }
  return { queue, order, faults, shares, ask, askTimes, end }
}

t.test('a caller gets half of the slots, and the last eighth is for those that use none', async t => {
  const { queue, order, askTimes } = queueOf({ slots: 8 })
  for (const who of ['a', 'b', 'c', 'd', 'e']) askTimes(who, 10)
  t.strictSame(order, ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c'])
  t.equal(queue.waiting, 42)
})

t.test('slots are given in turn, however many calls of a caller wait', async t => {
  const { order, askTimes, end } = queueOf()
  askTimes('a', 20)
  askTimes('b', 1)
  askTimes('c', 1)
  askTimes('b', 3)
  askTimes('c', 1)
  t.strictSame(order, ['a', 'a', 'b', 'c'])
  order.length = 0
  for (const who of ['b', 'c', 'a', 'a']) await end(who)
  t.strictSame(order, ['b', 'c', 'a'], 'the last slot waits for a caller that has none')
})

t.test('a caller with one waiting call is not behind the many of another', async t => {
  const { order, askTimes, end } = queueOf()
  for (const who of ['a', 'b', 'c', 'd']) askTimes(who, 1)
  askTimes('a', 30)
  askTimes('new', 1)
  await end('b')
  t.strictSame(order.slice(4), ['new'])
})

t.test('at most 8 calls of a caller in flight, 64 wait, and 429 rate-limited for more', async t => {
  const { queue, order, faults, ask, askTimes } = queueOf({ slots: 64 })
  askTimes('a', MAX_IN_FLIGHT + MAX_WAITING)
  await setImmediate()
  t.equal(order.length, MAX_IN_FLIGHT)
  t.equal(faults.length, 0)
  ask('a')
  ask('a', { isUrgent: true })
  await setImmediate()
  t.equal(faults.length, 1, 'a call that verifies a write waits nevertheless')
  t.ok(isProblem(faults[0], 'rate-limited'))
  t.match(faults[0], { message: /`in-flight`/, options: { retryAfterSeconds: 1 } })
  t.equal(queue.waiting, MAX_WAITING + 1)
  const busy = queueOf({ slots: 64 })
  for (let n = 0; n < 40; n += 1) busy.ask('service', { factor: 10 })
  t.equal(busy.order.length, 32, 'a factor multiplies it, up to half')
})

t.test('strangers together have no more than their slots, and every fourth turn', async t => {
  const { order, askTimes, end } = queueOf({ slots: 16, strangerSlots: 4 })
  for (let n = 0; n < 8; n += 1) askTimes(strangerAt(`192.0.2.${n}`), 1)
  t.equal(order.length, 4)
  for (let n = 0; n < 24; n += 1) askTimes(`customer:${n}`, 1)
  t.equal(order.length, 16)
  for (let n = 0; n < 4; n += 1) await end(strangerAt(`192.0.2.${n}`))
  t.equal(order.slice(16).filter(isStranger).length, 1)
})

t.test('one credential does not keep the others of its address from being accepted', async t => {
  const { order, faults, ask, end } = queueOf({ slots: 64, strangerSlots: 32 })
  const address = strangerAt('192.0.2.1')
  for (let n = 0; n < MAX_IN_FLIGHT + MAX_WAITING; n += 1) ask(address, { id: 'a' })
  t.equal(order.length, MAX_IN_FLIGHT - 2)
  ask(address, { id: 'b' })
  ask(address, { id: 'c' })
  t.equal(order.length, MAX_IN_FLIGHT)
  ask(address, { id: 'd' })
  await end(address, 'b')
  t.equal(order.length, MAX_IN_FLIGHT + 1)
  t.equal(faults.length, 2, 'of a: its places are taken')
})

t.test('a call is refused without having begun', async t => {
  t.test('429 at its deadline, while its caller has slots', async t => {
    const { queue, faults, ask, askTimes, end, order } = queueOf()
    askTimes('a', 2)
    ask('a', { waitMs: 20 })
    await pause(120)
    t.ok(isProblem(faults[0], 'rate-limited'))
    t.equal(queue.waiting, 0)
    await end('a')
    t.equal(order.length, 2)
  })

  t.test('503 overloaded when its caller gets no slot in time', async t => {
    const { faults, ask, askTimes } = queueOf({ maxWaitMs: 20 })
    for (const who of ['a', 'b', 'c', 'd']) askTimes(who, 1)
    ask('e')
    ask('f', { isUrgent: true })
    await pause(120)
    t.equal(faults.length, 1, 'a call that verifies a write waits longer')
    t.ok(isProblem(faults[0], 'overloaded'))
  })

  t.test('when its caller has gone, and its place is free', async t => {
    const { queue, faults, ask, askTimes, end, order } = queueOf()
    askTimes('a', 2)
    const leaving = new AbortController()
    for (let n = 0; n < MAX_WAITING; n += 1) ask('a', { signal: leaving.signal })
    leaving.abort()
    ask('a')
    t.equal(queue.waiting, 1)
    await setImmediate()
    t.equal(faults.length, MAX_WAITING)
    await end('a')
    t.equal(order.length, 3)
  })

  t.test('503 draining when the replica shuts down', async t => {
    const { faults, ask, askTimes } = queueOf()
    askTimes('a', 2)
    const shutdown = new AbortController()
    ask('a', { signal: shutdown.signal })
    shutdown.abort(new Problem('draining', 'x'))
    await pause(120)
    t.ok(isProblem(faults[0], 'draining'))
  })
})

t.test('nothing is kept of callers that have ended', async t => {
  const { queue, askTimes, end } = queueOf()
  askTimes('a', 5)
  for (let n = 0; n < 5; n += 1) await end('a')
  t.equal(queue.inFlight, 0)
  t.equal(queue.waiting, 0)
})
