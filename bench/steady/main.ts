import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandLine } from '../../src/core/command-line.ts'
import type { Running } from '../process.ts'
import { workloads } from '../workloads.ts'
import { type Steady, startProbed, steadyOf } from './measure.ts'
import { startUpstream } from './upstream.ts'

const { values } = readCommandLine({
  usage: `npm run bench:steady -- [--update]

Compares what a request takes that does not depend on time with the committed figures.
Exit code 1: a request takes more than it did.

  --update  commits to the figures of today
`,
  options: { update: { type: 'boolean', default: false } }
})

const FILE = 'bench/steady.json'

/**
 * Between two runs of the same code the heap differs by up to 0.7 %, and the counts by 0.8 %, because lines of the log are
 * written by time (observed, on a busy machine). An abort for each shared read takes 1.4 % more heap.
 */
const MARGINS: Readonly<Record<keyof Steady, number>> = { heapBytes: 0.01, asyncResources: 0.02, systemCalls: 0.06 }

/** W5 differs from W1 in time alone. */
const measured = workloads.filter(({ id }) => id !== 'W5')

/** The largest figures that are accepted, by workload. */
type Figures = Record<string, Steady>

const committed: Figures = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
const folder = mkdtempSync(join(tmpdir(), 'hks-steady-'))
const upstream = await startUpstream()
const started: Running[] = []
const figures: Figures = {}
try {
  const gateway = await startProbed(upstream.url, folder)
  started.push(gateway)
  for (const workload of measured) {
    const steady = await steadyOf(gateway, workload, folder)
    figures[workload.id] = steady
    // Object.entries loses the names from the type.
    for (const [name, value] of Object.entries(steady) as [keyof Steady, number][]) {
      const before = committed[workload.id]?.[name]
      const margin = MARGINS[name]
      const change = before === undefined ? 0 : value / before - 1
      const isWorse = change > margin
      const verdict =
        before === undefined
          ? 'new'
          : isWorse
            ? 'more than committed'
            : change < -margin
              ? 'less: commit to it with --update'
              : 'ok'
      process.stdout.write(
        `${workload.id} ${name.padEnd(15)} ${String(value).padStart(8)}  committed ${String(before).padStart(8)}  ${verdict}\n`
      )
      if (isWorse && !values.update) process.exitCode = 1
    }
  }
  if (values.update) writeFileSync(FILE, `${JSON.stringify(figures, undefined, 2)}\n`)
} finally {
  for (const running of started) await running.stop()
  upstream.close()
  rmSync(folder, { recursive: true })
}
