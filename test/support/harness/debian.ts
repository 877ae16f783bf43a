import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** 10 min: a slow mirror, after installations of other test files. */
const TIMEOUT_MS = 600_000

/** Test files run in parallel: one installs, the others wait. The kernel releases the lock when its holder ends. */
const LOCK = '/tmp/hostkey-s3-gateway-apt.lock'

/** Installs packages, unless the command in the first argument succeeds. It starts no services: a test starts its own. */
const INSTALL = `
sh -c "$1" >/dev/null 2>&1 && exit 0
shift
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get -qq update >&2
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --reinstall --no-install-recommends "$@" >&2
`

/** Servers are installed there; not every PATH contains it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** The path of a program, or undefined. */
export const findProgram = (...names: string[]): string | undefined =>
  names
    .flatMap(name =>
      [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS].map(folder => join(folder, name))
    )
    .find(path => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/**
 * Finds a program, or installs it on Debian as root.
 * @throws Error that says what to do by hand
 */
export const needProgram = async (names: readonly string[], packageName: string): Promise<string> => {
  const found = findProgram(...names)
  if (found) return found
  await install(`${names.join(' or ')} in PATH`, `command -v ${names[0]}`, [packageName])
  const installed = findProgram(...names)
  if (!installed) throw new Error(`This test needs ${names.join(' or ')} in PATH, and ${packageName} did not bring it.`)
  return installed
}

/**
 * Finds modules of Debian's own Python, or installs them on Debian as root.
 * @returns the program
 * @throws Error that says what to do by hand
 */
export const needPython = async (modules: Readonly<Record<string, string>>): Promise<string> => {
  const check = `/usr/bin/python3 -c 'import ${Object.keys(modules).join(', ')}'`
  const isThere = await run('sh', ['-c', check]).then(
    () => true,
    () => false
  )
  if (!isThere) await install(`/usr/bin/python3 with ${Object.keys(modules)}`, check, Object.values(modules))
  return '/usr/bin/python3'
}

const install = async (what: string, check: string, packages: readonly string[]): Promise<void> => {
  const byHand = `This test needs ${what}`
  if (process.getuid?.() !== 0 || !findProgram('apt-get') || !findProgram('flock')) {
    throw new Error(`${byHand}. It is installed only as root on Debian; by hand: apt-get install ${packages.join(' ')}`)
  }
  process.stderr.write(`${what} is missing: installing ${packages.join(' ')} with apt-get\n`)
  try {
    await run('flock', [LOCK, 'sh', '-ec', INSTALL, 'install', check, ...packages], { timeout: TIMEOUT_MS })
  } catch (error) {
    throw new Error(`${byHand}, and apt-get could not install ${packages.join(' ')}.`, { cause: error })
  }
}
