import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { figuresIn, recordFigures } from './figures.ts'

/**
 * `npm run promises`: runs the tests of all promises, or those that are named (`t-smug`), and writes down the figures
 * that they have reached.
 */
const given = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'figures-'))
const files = given.length > 0 ? given.map(name => `test/promises/${name}.test.ts`) : ['test/promises/*.test.ts']

const run = (...args: string[]) =>
  spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, FIGURES_DIR: folder } }).status ?? 1

const failed = run('scripts/test.ts', ...files)
if (failed === 0) {
  recordFigures(figuresIn(folder))
  process.exitCode = run('scripts/docs.ts')
} else process.exitCode = failed
rmSync(folder, { recursive: true, force: true })
