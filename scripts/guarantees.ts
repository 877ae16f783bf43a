import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { readCommandLine } from '../src/core/command-line.ts'
import { guarantees } from './docs/guarantee-catalogue.ts'
import { figuresIn, recordFigures } from './figures.ts'

const { values, positionals } = readCommandLine({
  usage: `npm run guarantees -- [NAME]… [--log FILE]

Runs the tests of all guarantees in full, or of those named, such as request-smuggling, and records their figures.

  --log FILE  takes the figures from the output of an earlier run
`,
  options: { log: { type: 'string' } },
  maxArguments: Number.POSITIVE_INFINITY
})
const names = positionals.length > 0 ? positionals : Object.keys(guarantees)
const files = names.flatMap(name => globSync(`test/{guarantees,long}/${name}{,-*}.test.ts`))

/** Runs the tests and prints their output. @returns the output */
const runTests = async (): Promise<string> => {
  const child = spawn(process.execPath, ['scripts/test.ts', '--recorded', ...files], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let text = ''
  child.stdout.on('data', chunk => {
    text += String(chunk)
    process.stdout.write(chunk)
  })
  await once(child, 'close')
  return text
}

const log = values.log === undefined ? await runTests() : readFileSync(values.log, 'utf8')
if (/^\d+ passed, 0 failed$/m.test(log)) {
  recordFigures(figuresIn(log, Object.keys(guarantees)))
  process.exitCode = spawnSync(process.execPath, ['scripts/generate.ts'], { stdio: 'inherit' }).status ?? 1
} else {
  process.stderr.write('a test failed: no figures recorded\n')
  process.exitCode = 1
}
