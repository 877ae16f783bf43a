// Imported first: replaces this process by one with a network namespace of its own.
import './redis-outage/own-network.ts'

import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { type Outages, ordersThrough, sessionsThrough } from '../guarantees/redis-outage/guarantees.ts'
import { limitsThrough } from '../guarantees/redis-outage/limits.ts'
import { BUCKETS, MAX_RECOVERY_MS, onRedis, timeUntil } from '../guarantees/redis-outage/stage.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { blackhole } from './redis-outage/blackhole.ts'
import { waitsThrough } from './redis-outage/latency.ts'

/**
 * The network between the gateway and Redis loses all packets, also those of established connections: nft drops them in a
 * network namespace of this process. Neither side gets an error; the kernel of a killed Redis refuses connections, and that
 * of a frozen one acknowledges packets.
 */
const figures = figuresOf(t, 'redis-outage')

const outages: Outages = {
  'in a black hole': {
    begin: ({ port }) => blackhole(port).open(),
    end: ({ port }) => blackhole(port).close(),
    after: 200
  }
}

sessionsThrough(t, figures, outages)
limitsThrough(t, outages)
ordersThrough(t, figures, outages)

t.test('Redis becomes unreachable under load', t => waitsThrough(t, figures, outages))

/** TCP retransmits after 200 ms, 400 ms later, and so on: these outages end between two retransmissions. */
const LENGTHS_MS = [60, 150, 250, 450, 650, 900, 1300, 1700, 3300]

t.test(`a session is back within ${MAX_RECOVERY_MS} ms, after a black hole of any length`, async t => {
  const { redis, browserAt } = await onRedis(t)
  const browser = await browserAt(0)
  const hole = blackhole(redis.port)
  const recoveries: number[] = []
  for (const lengthMs of LENGTHS_MS) {
    const isServed = async () => (await browser.get(BUCKETS)).statusCode === 200
    // On a busy machine Redis may exceed its time-out once.
    t.ok(Number.isFinite(await timeUntil(isServed)))
    hole.open()
    const until = performance.now() + lengthMs
    while (performance.now() < until) {
      t.equal((await browser.get(BUCKETS)).statusCode, 503)
      await pause(20)
    }
    const [there = 0, back = 0] = hole.close()
    t.ok(there > 0, `${there} packets were lost on the way there, ${back} on the way back`)
    const ms = await timeUntil(isServed)
    t.ok(ms <= MAX_RECOVERY_MS, `${ms.toFixed(0)} ms after a black hole of ${lengthMs} ms`)
    recoveries.push(ms)
  }
  figures(
    `recovery after ${LENGTHS_MS.length} black holes of 0.06 to 3.3 s: at most ${Math.max(...recoveries).toFixed(0)} ms`
  )
})
