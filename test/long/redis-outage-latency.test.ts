import t from 'tap'
import { figuresOf } from '../support/harness/figures.ts'
import { waitsThrough } from './redis-outage/latency.ts'

t.test('a Redis that goes away in the middle of the load', t =>
  waitsThrough(t, figuresOf(t, 'redis-outage'), {
    frozen: { begin: redis => redis.freeze(), end: redis => redis.thaw() },
    killed: { begin: redis => redis.kill(), end: redis => redis.start() }
  })
)
