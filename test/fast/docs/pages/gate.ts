import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Block } from './blocks.ts'

/** What nobody but a block would ask npm for. */
const ASKED = 'run what-the-block-says'

/**
 * Does `.ci/run` execute exactly this block of the README? It runs in a folder of its own, with a README in which the
 * block asks npm for something else, and with an npm that only writes down what it is asked for.
 */
export const isExecutedByGate = ({ language, code }: Block): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'hks3-gate-'))
  try {
    for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name))
    cpSync('.ci/run', join(folder, '.ci/run'))
    const fenced = (text: string) => `\`\`\`${language}\n${text}\`\`\`\n`
    const readme = readFileSync('README.md', 'utf8').replace(fenced(code), () => fenced(`npm ${ASKED}\n`))
    writeFileSync(join(folder, 'README.md'), readme)
    const asked = join(folder, 'asked')
    const npm = join(folder, 'bin/npm')
    writeFileSync(npm, `#!/bin/sh\necho "$*" >>'${asked}'\n`)
    chmodSync(npm, 0o755)
    const PATH = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
    // It fails: no tests are counted. What counts is what it asked for.
    spawnSync('bash', [join(folder, '.ci/run')], { env: { PATH }, timeout: 20_000 })
    return existsSync(asked) && readFileSync(asked, 'utf8').split('\n').includes(ASKED)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
