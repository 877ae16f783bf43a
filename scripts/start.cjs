// `node scripts/start.cjs [flags] src/server.ts`: the gateway with the flags of Node that it should have, as the same process, so
// that a signal to npm or to the container reaches it. `exec` in package.json ends the shell of npm, which would keep the
// signal to itself; Windows has no exec, and runs what follows `||`. Old syntax only: an old Node must reach the message of
// check-node.
require('./check-node.cjs')

const path = require('node:path')

/** A young generation of 3 × this, in MB: V8's own, 3 × 32, grows to it and keeps it. See docs/how-to/observe.md. */
const SEMI_SPACE_MB = 8
/** V8 collects the old generation for the first time when it has grown to this, in MB; its own is 512. */
const INITIAL_OLD_SPACE_MB = 32
/** Of the memory that a container gives; the rest is code, buffers, and the young generation. */
const HEAP_SHARE = 0.6

/** The memory that the container gives, in MB; undefined where there is no limit. */
const limitMb = () => {
  const bytes = process.constrainedMemory()
  return bytes > 0 && bytes < require('node:os').totalmem() ? bytes / 2 ** 20 : undefined
}

/** V8's threads would each get an arena of glibc's malloc, which keeps what they have freed. Other C libraries ignore it. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '1' }

/** What NODE_OPTIONS sets stays as it is. */
const nodeFlags = env => {
  const options = env.NODE_OPTIONS || ''
  const limit = limitMb()
  const flags = ['--disable-sigusr1', `--initial-old-space-size=${INITIAL_OLD_SPACE_MB}`]
  if (!/--max[-_]semi[-_]space[-_]size/.test(options)) flags.push(`--max-semi-space-size=${SEMI_SPACE_MB}`)
  if (limit && !/--max[-_]old[-_]space[-_]size/.test(options)) {
    flags.push(`--max-old-space-size=${Math.floor(limit * HEAP_SHARE)}`)
  }
  return flags
}

const start = rest => {
  const args = [...nodeFlags(process.env), ...process.execArgv, ...rest]
  // Compiled code is kept: a start takes half the time.
  const cache = path.join(__dirname, '../node_modules/.cache/node-compile')
  const env = Object.assign({ NODE_COMPILE_CACHE: cache }, ENVIRONMENT, process.env)
  if (process.execve) return process.execve(process.execPath, [process.execPath, ...args], env)
  // Windows has neither execve nor signals.
  require('node:child_process')
    .spawn(process.execPath, args, { env, stdio: 'inherit' })
    .on('exit', code => process.exit(code === null ? 1 : code))
}

module.exports = { ENVIRONMENT, nodeFlags }

if (require.main === module) start(process.argv.slice(2))
