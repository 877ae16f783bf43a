import { execFile } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

const run = promisify(execFile)

/** What a gateway is started from. */
const PARTS = ['package.json', 'package-lock.json', 'schemas', 'routes', 'src', 'scripts']

/** A folder with an earlier commit and its packages; undefined where the history is not there, as in a shallow clone. */
export const buildOf = async (t: Lifetime, commit: string): Promise<string | undefined> => {
  try {
    await run('git', ['cat-file', '-e', `${commit}^{commit}`])
  } catch {
    return undefined
  }
  const folder = temporaryFolder(t)
  const archive = join(folder, 'commit.tar')
  await run('git', ['archive', '--output', archive, commit, ...PARTS])
  await run('tar', ['-xf', archive, '-C', folder])
  const lockOf = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lockOf(folder) === lockOf('.')) symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  else {
    const production = ['--workspaces=false', '--omit=dev', '--omit=optional', '--ignore-scripts']
    await run('npm', ['ci', ...production], { cwd: folder })
  }
  return folder
}
