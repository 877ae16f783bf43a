import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Block } from './blocks.ts'

/** npm arguments that only the replaced block has. */
const ARGS = 'run what-the-block-says'

/**
 * Does `.ci/run` execute exactly this block of the README? Runs it in a temporary folder, with a README in which the block
 * calls npm with other arguments, and with an npm that only records its arguments.
 */
export const isExecutedByGate = ({ language, code }: Block): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'hks3-gate-'))
  try {
    for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name))
    cpSync('.ci/run', join(folder, '.ci/run'))
    const fenced = (text: string) => `\`\`\`${language}\n${text}\`\`\`\n`
    const readme = readFileSync('README.md', 'utf8').replace(fenced(code), () => fenced(`npm ${ARGS}\n`))
    writeFileSync(join(folder, 'README.md'), readme)
    const record = join(folder, 'record')
    const npm = join(folder, 'bin/npm')
    writeFileSync(npm, `#!/bin/sh\necho "$*" >>'${record}'\n`)
    chmodSync(npm, 0o755)
    const PATH = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
    // It fails, because no tests are counted; only the recorded arguments matter.
    spawnSync('bash', [join(folder, '.ci/run')], { env: { PATH }, timeout: 20_000 })
    return existsSync(record) && readFileSync(record, 'utf8').split('\n').includes(ARGS)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
