import { globSync } from 'node:fs'
import { recordFigures } from '../../scripts/figures.ts'
import { readCommandLine } from '../../src/core/command-line.ts'
import { sampleOf } from './mutation/draw.ts'
import { instrument } from './mutation/instrumenter.ts'
import { coverageOf, createJudge, type Verdict } from './mutation/judge.ts'
import { keep, recall } from './mutation/memory.ts'
import { createTree } from './mutation/tree.ts'

const { values, positionals } = readCommandLine({
  usage: `npm run mutate -- [FILE]… [options]

Do the tests detect changes of the code? FILE, such as src/auth/seal.ts, limits the changes to a file.

  --sample N         draws so many mutants; without it all are tried, which takes a night
  --seed N           of the draw (default: 1)
  --minutes N        stops after that time
  --tests FILE       limits the tests; may be repeated
  --concurrency N    default: 2
  --resume           skips mutants that an earlier run detected
  --record           records the figures for docs/reference/guarantees.md
`,
  options: {
    sample: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
    tests: { type: 'string', multiple: true },
    concurrency: { type: 'string', default: '2' },
    resume: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false }
  },
  maxArguments: Number.POSITIVE_INFINITY
})

/** Test files that take seconds and no load. Tests of guarantees load the machine and would fail for other reasons. */
const TESTS = [
  'test/fast/{auth,core,domain,schemas,upstream}/**/*.test.ts',
  'test/fast/store/{contract,memory}.test.ts',
  'test/fast/routes/*.test.ts'
]
const MIN_PERCENT = 80
/** After this number of detected mutants, the last detecting file runs without a mutant and must pass. */
const CONTROL_EVERY = 10

const isPart = positionals.length > 0 || values.tests !== undefined
const seed = Number(values.seed)
const say = (line: string) => process.stdout.write(`${line}\n`)
const code = await instrument()
const eligible = code.mutants.filter(({ file }) => positionals.length === 0 || positionals.includes(file))
const sample = sampleOf(eligible, Number(values.sample), seed)
const tree = createTree(code)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    tree.remove()
    process.exit(1)
  })
}
const verdicts: Verdict[] = []
let controls = 0
const unsteady: string[] = []

try {
  const names = globSync(values.tests ?? TESTS).sort()
  const judge = createJudge(tree, await coverageOf(tree, names, say))
  const waiting = [...sample]
  const endsAt = performance.now() + Number(values.minutes) * 60_000
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant && performance.now() < endsAt; mutant = waiting.shift()) {
      const known = values.resume ? recall(mutant) : undefined
      const verdict = known ?? (await judge.judge(mutant))
      keep(verdict)
      verdicts.push(verdict)
      if (known) continue
      say(described(verdict))
      if (verdict.by === undefined || verdicts.length % CONTROL_EVERY !== 0) continue
      controls += 1
      if (!(await judge.isSteady(verdict.by))) unsteady.push(verdict.by)
    }
  }
  await Promise.all(Array.from({ length: Number(values.concurrency) }, work))
} finally {
  tree.remove()
}

const count = (fate: Verdict['fate']) => verdicts.filter(verdict => verdict.fate === fate).length
const percent = (100 * (count('killed') + count('late'))) / Math.max(1, verdicts.length)
const figure =
  `${verdicts.length < eligible.length ? `seed ${seed}, ` : ''}${verdicts.length} of ${eligible.length} mutants drawn: ` +
  `${percent.toFixed(1)} % noticed (${count('killed')} killed, ${count('late')} timed out, ${count('survived')} survived, ` +
  `${count('uncovered')} without coverage); ${unsteady.length} of ${controls} runs without a mutant failed`
say(`mutation: ${figure}`)
if (percent < MIN_PERCENT || unsteady.length > 0) process.exitCode = 1
else if (values.record && !isPart) recordFigures({ mutation: [figure] })

function described({ mutant, fate, by }: Verdict): string {
  const { id, file, line, kind, original, replacement } = mutant
  const shown = (text: string) => text.replace(/\s+/g, ' ').slice(0, 100)
  const head = `${fate} ${file}:${line} ${kind} #${id}`
  return by === undefined ? `${head}\n  - ${shown(original)}\n  + ${shown(replacement)}` : `${head} by ${by}`
}
