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
 * written by time (observed, on a busy machine). An AbortController that is aborted for each shared read takes 1.5 % more
 * heap.
 */
const MARGINS: Readonly<Record<keyof Steady, number>> = { heapBytes: 0.01, asyncResources: 0.02, systemCalls: 0.06 }

/** What disturbs a measurement only adds to it: a figure that is too large is measured again, and the lowest counts. */
const ATTEMPTS = 3

/** W5 differs from W1 in time alone. */
const measured = workloads.filter(({ id }) => id !== 'W5')

/** The largest figures that are accepted, by workload. */
type Figures = Record<string, Steady>

/** How much more than committed, as a share; undefined for a figure that is new. */
const changeOf = (id: string, name: keyof Steady, value: number): number | undefined => {
  const before = committed[id]?.[name]
  return before === undefined ? undefined : value / before - 1
}

// Object.entries loses the names from the type.
const entriesOf = (steady: Steady) => Object.entries(steady) as [keyof Steady, number][]

const isWorse = (id: string, steady: Steady): boolean =>
  entriesOf(steady).some(([name, value]) => (changeOf(id, name, value) ?? 0) > MARGINS[name])

const lowestOf = (one: Steady, other: Steady): Steady => {
  const lowest = { ...one }
  for (const [name, value] of entriesOf(other)) lowest[name] = Math.min(value, lowest[name] ?? value)
  return lowest
}

const committed: Figures = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
const folder = mkdtempSync(join(tmpdir(), 'hks-steady-'))
const upstream = await startUpstream()
const started: Running[] = []
const figures: Figures = {}
try {
  const gateway = await startProbed(upstream.url, folder)
  started.push(gateway)
  for (const workload of measured) {
    let steady = await steadyOf(gateway, workload, folder)
    for (let attempt = 1; attempt < ATTEMPTS && isWorse(workload.id, steady); attempt += 1) {
      steady = lowestOf(steady, await steadyOf(gateway, workload, folder))
    }
    figures[workload.id] = steady
    for (const [name, value] of entriesOf(steady)) {
      const change = changeOf(workload.id, name, value)
      const verdict =
        change === undefined
          ? 'new'
          : change > MARGINS[name]
            ? 'more than committed'
            : change < -MARGINS[name]
              ? 'less: commit to it with --update'
              : 'ok'
      const before = committed[workload.id]?.[name]
      process.stdout.write(
        `${workload.id} ${name.padEnd(15)} ${String(value).padStart(8)}  committed ${String(before).padStart(8)}  ${verdict}\n`
      )
    }
    if (isWorse(workload.id, steady) && !values.update) process.exitCode = 1
  }
  if (values.update) writeFileSync(FILE, `${JSON.stringify(figures, undefined, 2)}\n`)
} finally {
  for (const running of started) await running.stop()
  upstream.close()
  rmSync(folder, { recursive: true })
}
