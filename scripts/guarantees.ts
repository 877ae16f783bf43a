import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { figuresIn, recordFigures } from './figures.ts'

/**
 * `npm run promises`: runs the tests of all promises, or those that are named (`t-smug`), and writes down the figures
 * that they have reached. `npm run promises -- --log FILE` takes them from what a run of the tests has printed.
 */
const { values, positionals } = parseArgs({ options: { log: { type: 'string' } }, allowPositionals: true })
const files =
  positionals.length > 0 ? positionals.map(name => `test/guarantees/${name}.test.ts`) : ['test/guarantees/*.test.ts']

/** Everything that the tests print, which is shown meanwhile. */
const ran = async (): Promise<string> => {
  const child = spawn(process.execPath, ['scripts/test.ts', ...files], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', chunk => {
    text += String(chunk)
    process.stdout.write(chunk)
  })
  await once(child, 'close')
  return text
}

const log = values.log === undefined ? await ran() : readFileSync(values.log, 'utf8')
if (/^\d+ passed, 0 failed$/m.test(log)) {
  recordFigures(figuresIn(log))
  process.exitCode = spawnSync(process.execPath, ['scripts/generate.ts'], { stdio: 'inherit' }).status ?? 1
} else {
  process.stderr.write('a test has failed: no figure is written down\n')
  process.exitCode = 1
}
