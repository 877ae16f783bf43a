import t from 'tap'
import { figuresOf } from '../support/harness/figures.ts'
import { waitsThrough } from './redis-outage/latency.ts'

/** Other test files run at the same time, and the first may have to install Redis. */
t.setTimeout(180_000)

t.test('a Redis that goes away in the middle of the load', t =>
  waitsThrough(t, figuresOf(t, 'redis-outage'), {
    frozen: { begin: redis => redis.freeze(), end: redis => redis.thaw() },
    killed: { begin: redis => redis.kill(), end: redis => redis.start() }
  })
)
