import t from 'tap'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { type Outages, ordersThrough, sessionsThrough } from './redis-outage/guarantees.ts'
import { limitsThrough } from './redis-outage/limits.ts'

const figures = figuresOf(t, 'redis-outage')

const killed: Outages = {
  'killed and restarted empty': { begin: redis => redis.kill(), end: redis => redis.start(), after: 401 }
}
const others: Outages = {
  frozen: { begin: redis => redis.freeze(), end: redis => redis.thaw(), after: 200 },
  'read-only, a replica without its master': {
    begin: redis => redis.command('REPLICAOF', '127.0.0.1', '1'),
    end: redis => redis.command('REPLICAOF', 'NO', 'ONE'),
    after: 200,
    isReadable: true
  }
}
const outages: Outages = amount(killed, { ...killed, ...others })

sessionsThrough(t, figures, outages)
limitsThrough(t, outages)
ordersThrough(t, figures, outages)
