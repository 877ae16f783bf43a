import { recordFigures } from '../../scripts/figures.ts'
import { readCommandLine } from '../../src/core/command-line.ts'
import { jobTorture } from '../guarantees/jobs/torture.ts'
import { redisServer } from '../support/harness/redis.ts'

const { values } = readCommandLine({
  usage: `npm run torture:jobs -- [--store sqlite|redis] [--files 10000] [--kills 50] [--record]

Kills gateways while a job deletes a folder, and counts files and verdicts that are not as they must be.

  --record  records the figures for docs/reference/guarantees.md
`,
  options: {
    store: { type: 'string', default: 'sqlite' },
    files: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '50' },
    record: { type: 'boolean', default: false }
  }
})
const ends: (() => Promise<void>)[] = []
const redis =
  values.store === 'redis'
    ? await redisServer(
        { after: end => ends.push(end) },
        { settings: ['--appendonly', 'yes', '--appendfsync', 'always'] }
      )
    : undefined

const damage = await jobTorture({
  files: Number(values.files),
  kills: Number(values.kills),
  leaseMs: 1000,
  ...(redis && { redis }),
  report: line => process.stdout.write(`${line}\n`)
})
for (const end of ends) await end()

const { files, kills, resets, outside, left, wrong, gaps, state, seconds } = damage
const figure =
  `${files} files, ${kills} kills of gateways, ${resets} connections reset: ${outside} deleted outside, ${left} left inside, ` +
  `${wrong} wrong verdicts, ${gaps} gaps in the events; ${state}, ${seconds} s`
process.stdout.write(`job-torture ${values.store}: ${figure}\n`)
if (outside + left + wrong + gaps > 0 || kills < Number(values.kills)) process.exitCode = 1
else if (values.record) recordFigures({ [`npm run torture:jobs -- --store ${values.store}`]: [figure] })
