import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { brief, lastLine, type Tally, tallied } from './reporter.ts'

/** 4 min: a test file that takes longer hangs. */
const FILE_TIMEOUT_MS = 240_000

/** These press the machine, or measure it: one at a time, and nothing beside them. */
const LOUD = 'test/guarantees/'

/** Promises that only count, however long it takes: they run beside others. */
const COUNTING =
  /\/(?:clock-jumps|clock-skew|full-disk|store-dump|request-fuzzing|document-fuzzing|document-fuzzing-prism|forwarded-headers|image-contents|file-path-fidelity|php-values|parameter-pollution|raw-requests|secret-canaries|ended-sessions|request-smuggling)\.test\.ts$/

/** Percent of lines, branches and functions under test; a floor that is raised, never lowered. */
const FLOOR = { lineCoverage: 90, branchCoverage: 85, functionCoverage: 85 }

const { values, positionals } = parseArgs({
  options: {
    coverage: { type: 'boolean', default: false },
    /** Each check that passes, too. */
    verbose: { type: 'boolean', default: false }
  },
  allowPositionals: true
})

const patterns = positionals.length > 0 ? positionals : ['test/**/*.test.ts']
const found = patterns.map(pattern => globSync(pattern))
const tally: Tally = { passed: 0, failures: [] }
for (const [index, pattern] of patterns.entries()) {
  if (found[index]?.length === 0) tally.failures.push(`${pattern}: no such test file`)
}

const files = [...new Set(found.flat())].sort()
const isLoud = (file: string) => file.startsWith(LOUD) && !COUNTING.test(file)

/** Runs test files, so many at a time, and prints what they say. */
const runAll = async (files: string[], concurrency: number) => {
  const events = run({
    files: files.map(file => resolve(file)),
    isolation: 'process',
    concurrency,
    timeout: FILE_TIMEOUT_MS,
    ...(values.coverage && {
      coverage: true,
      coverageIncludeGlobs: ['src/**/*.ts', 'routes/**/*.ts', 'schemas/**/*.ts'],
      ...FLOOR
    })
  })
  const counted = tallied(events, tally)
  for await (const text of Readable.from(values.verbose ? counted : brief(counted)).compose(new spec())) {
    // tap colours its differences always; a log file wants none.
    process.stdout.write(process.stdout.isTTY ? text : stripVTControlCharacters(String(text)))
  }
}

// A run of the coverage is one run.
if (values.coverage) await runAll(files, 1)
else {
  const quiet = files.filter(file => !isLoud(file))
  const loud = files.filter(isLoud)
  if (quiet.length > 0) await runAll(quiet, Math.min(2, availableParallelism()))
  if (loud.length > 0) await runAll(loud, 1)
}
for (const failure of tally.failures) process.stdout.write(`failed: ${failure}\n`)
if (tally.failures.length > 0) process.exitCode = 1
process.stdout.write(`${lastLine(tally)}\n`)
