import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const TOOLS = '.tools'

/** 5 min: 213 packages from a slow registry. */
const INSTALL_MS = 300_000

/**
 * Installs a package on first use, from a lock file of its own, into a folder that git ignores: as a development dependency
 * its packages would double the installation for one test.
 * @param name of the folder below `.tools`
 * @param source folder of `package.json` and `package-lock.json`
 * @param file path of a file below `node_modules`
 * @returns the path of the file
 * @throws Error when it cannot be installed
 */
export const needPackage = async (name: string, source: string, file: string): Promise<string> => {
  const lock = readFileSync(join(source, 'package-lock.json'))
  const folder = join(TOOLS, `${name}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`)
  const program = join(folder, 'node_modules', file)
  if (existsSync(program)) return program
  process.stderr.write(`${name} is missing: installing it with npm ci into ${folder}\n`)
  mkdirSync(TOOLS, { recursive: true })
  const fresh = mkdtempSync(`${folder}-`)
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(source, name), join(fresh, name))
  copyFileSync('.npmrc', join(fresh, '.npmrc'))
  try {
    await run('npm', ['ci', '--ignore-scripts'], { cwd: fresh, timeout: INSTALL_MS })
    // Another process has installed it meanwhile.
    if (existsSync(program)) rmSync(fresh, { recursive: true })
    else renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw new Error(`This test needs ${name}, and npm could not install what ${source}/package-lock.json names.`, {
      cause: error
    })
  }
  return program
}
