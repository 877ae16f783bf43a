import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { lastLine, type Tally, tallied } from './reporter.ts'

/** 4 min: a test file that takes longer hangs. */
const FILE_TIMEOUT_MS = 240_000

/** Percent of lines, branches and functions under test; a floor that is raised, never lowered. */
const FLOOR = { lineCoverage: 90, branchCoverage: 85, functionCoverage: 85 }

const { values, positionals } = parseArgs({
  options: { coverage: { type: 'boolean', default: false } },
  allowPositionals: true
})

const patterns = positionals.length > 0 ? positionals : ['test/**/*.test.ts']
const found = patterns.map(pattern => globSync(pattern))
const tally: Tally = { passed: 0, failed: 0, silent: [] }
for (const [index, pattern] of patterns.entries()) {
  if (found[index]?.length !== 0) continue
  tally.failed++
  tally.silent.push(`no test file is named ${pattern}`)
}

const events = run({
  files: [...new Set(found.flat())].sort().map(file => resolve(file)),
  isolation: 'process',
  concurrency: true,
  timeout: FILE_TIMEOUT_MS,
  ...(values.coverage && {
    coverage: true,
    coverageIncludeGlobs: ['src/**/*.ts', 'routes/**/*.ts', 'schemas/**/*.ts'],
    ...FLOOR
  })
})

for await (const text of Readable.from(tallied(events, tally)).compose(new spec())) {
  // tap colours its differences always; a log file wants none.
  process.stdout.write(process.stdout.isTTY ? text : stripVTControlCharacters(String(text)))
}
for (const complaint of tally.silent) process.stdout.write(`✖ ${complaint}\n`)
if (tally.failed > 0) process.exitCode = 1
process.stdout.write(`${lastLine(tally)}\n`)
