import t, { type Test } from 'tap'
import { amount, isLong } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { redisServer } from '../support/harness/redis.ts'
import { type JobTorture, jobTorture } from './jobs/torture.ts'

/** A small version of `npm run torture:jobs`. */
const SMALL = amount({ files: 250, kills: 1, leaseMs: 500 }, { files: 800, kills: 4, leaseMs: 1000 })

const figure = figuresOf(t, 'job-torture')

const variant = (name: string, options: (t: Test) => Promise<Partial<JobTorture>>) =>
  t.test(`a job deletes its selection and nothing else when gateways are killed: ${name}`, async t => {
    const { seconds, ...damage } = await jobTorture({ ...SMALL, ...(await options(t)) })
    const { files, kills, resets, outside, left, wrong, gaps } = damage
    figure(
      `${name}: ${files} files, ${kills} kills, ${resets} resets: ${outside} deleted outside, ${left} left inside, ` +
        `${wrong} wrong verdicts, ${gaps} gaps in the events; ${seconds} s`
    )
    t.match(damage, { outside: 0, left: 0, wrong: 0, gaps: 0, state: 'succeeded' })
    t.ok(kills >= 1 && resets > 0)
  })

variant('SQLite', async () => ({}))
if (isLong) {
  variant('Redis', async t => ({
    redis: await redisServer(t, { settings: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  }))
}
