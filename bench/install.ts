import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** 10 min: a slow mirror. */
const TIMEOUT_MS = 600_000

/** What must be there, and Debian's package that brings it. */
const FILES: Readonly<Record<string, string>> = {
  '/usr/bin/taskset': 'util-linux',
  '/usr/bin/wrk': 'wrk',
  '/usr/bin/go': 'golang-go',
  '/usr/lib/nginx/modules/ngx_http_lua_module.so': 'libnginx-mod-http-lua',
  '/usr/lib/nginx/modules/ngx_http_js_module.so': 'libnginx-mod-http-js',
  '/usr/share/doc/lua-cjson': 'lua-cjson'
}

/** Installs what is missing, on first use: Debian's packages as root, and npm's of bench/package-lock.json. */
export const install = async (): Promise<void> => {
  const missing = Object.entries(FILES).flatMap(([file, name]) => (existsSync(file) ? [] : [name]))
  if (missing.length > 0) await installDebian(missing)
  const installed = 'bench/node_modules/.hash'
  const hash = hashOf('bench/package-lock.json')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === hash) return
  process.stderr.write('installing the peers of bench/package-lock.json with npm ci\n')
  await run('npm', ['ci', '--ignore-scripts'], { cwd: 'bench', timeout: TIMEOUT_MS })
  writeFileSync(installed, hash)
}

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12)

/** The servers that come with packages are not started: the benchmark starts its own. */
const NO_SERVICES = `
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { trap "rm -f $policy" EXIT; printf '#!/bin/sh\\nexit 101\\n' > $policy; chmod 755 $policy; }
`

const installDebian = async (names: readonly string[]): Promise<void> => {
  const command = `apt-get install -y --no-install-recommends ${names.join(' ')}`
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(`The benchmark needs ${names.join(', ')}. On Debian, as root: ${command}`)
  }
  process.stderr.write(`${command}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('sh', ['-ec', `${NO_SERVICES}apt-get -qq update; ${command}`], { timeout: TIMEOUT_MS, env })
}

/** The peer in Go, built when its source has changed. */
export const goProgram = async (): Promise<string> => {
  const source = 'bench/peers/go/main.go'
  const program = resolve(`.tools/bench-go-${hashOf(source)}`)
  if (existsSync(program)) return program
  mkdirSync('.tools', { recursive: true })
  await run('go', ['build', '-o', program, source], {
    timeout: TIMEOUT_MS,
    env: { ...process.env, GO111MODULE: 'off' }
  })
  return program
}
