import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** 10 min: a slow mirror, behind other test files that install something too. */
const TIMEOUT_MS = 600_000

/** Test files run at the same time: one installs, the others wait. The kernel lets go when the holder dies. */
const LOCK = '/tmp/hostkey-s3-gateway-apt.lock'

/** Installs a package without starting its service: a test starts what it needs by itself. */
const INSTALL = `
command -v "$1" >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get -qq update >&2
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --reinstall --no-install-recommends "$2" >&2
`

/** The path of a program, or undefined. */
export const findProgram = (...names: string[]): string | undefined =>
  names
    .flatMap(name => (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, name)))
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
  const byHand = `This test needs ${names.join(' or ')} in PATH`
  if (process.getuid?.() !== 0 || !findProgram('apt-get') || !findProgram('flock')) {
    throw new Error(`${byHand}. It can be installed only as root on Debian; by hand: apt-get install ${packageName}`)
  }
  process.stderr.write(`${names[0]} is not in PATH: installing the Debian package ${packageName} with apt-get\n`)
  try {
    await run('flock', [LOCK, 'sh', '-ec', INSTALL, 'install', names[0] ?? '', packageName], { timeout: TIMEOUT_MS })
  } catch (error) {
    throw new Error(`${byHand}, and apt-get could not install ${packageName}.`, { cause: error })
  }
  const installed = findProgram(...names)
  if (!installed) throw new Error(`${byHand}, and ${packageName} did not bring it.`)
  return installed
}
