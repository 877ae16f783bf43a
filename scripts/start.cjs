// `node scripts/start.cjs [flags] src/server.ts`: the gateway, bundled once for each state of its sources, with the flags of
// Node that it should have, as the same process, so that a signal to npm or to the container reaches it. `exec` in package.json ends the shell of npm, which would keep the
// signal to itself; Windows has no exec, and runs what follows `||`. Old syntax only: an old Node must reach the message of
// check-node.
require('./check-node.cjs')

const fs = require('node:fs')
const path = require('node:path')

/** A young generation of 3 × this, in MB: V8's own, 3 × 32, grows to it and keeps it. See docs/how-to/observe.md. */
const SEMI_SPACE_MB = 16
/** V8 collects the old generation for the first time when it has grown to this, in MB; its own is 512. */
const INITIAL_OLD_SPACE_MB = 32
/** Then it collects whenever the old generation has grown by this share of what was alive; its own lets it grow to 4 times. */
const HEAP_GROWING_PERCENT = 40
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
  const flags = [
    '--disable-sigusr1',
    `--initial-old-space-size=${INITIAL_OLD_SPACE_MB}`,
    `--heap-growing-percent=${HEAP_GROWING_PERCENT}`,
    // A process has about one core: threads that collect the young generation would take turns with the requests.
    '--no-parallel-scavenge'
  ]
  if (!/--max[-_]semi[-_]space[-_]size/.test(options)) flags.push(`--max-semi-space-size=${SEMI_SPACE_MB}`)
  if (limit && !/--max[-_]old[-_]space[-_]size/.test(options)) {
    flags.push(`--max-old-space-size=${Math.floor(limit * HEAP_SHARE)}`)
  }
  return flags
}

const CACHE = path.join(__dirname, '../node_modules/.cache')
/** What the bundle is made of. */
const SOURCES = ['package-lock.json', 'scripts', 'src', 'routes', 'schemas']
/** Bundles that are kept: a gateway that runs may still load a part of its own. */
const MAX_BUNDLES = 5

/** Changes with any source. */
const digestOf = root => {
  const hash = require('node:crypto').createHash('sha256')
  for (const source of SOURCES) {
    const top = path.join(root, source)
    const files = fs.statSync(top).isFile() ? [''] : fs.readdirSync(top, { recursive: true }).sort()
    for (const file of files) {
      const found = fs.statSync(path.join(top, file))
      if (found.isFile()) hash.update(`${source}/${file} ${found.size} ${found.mtimeMs}\n`)
    }
  }
  return hash.digest('hex').slice(0, 16)
}

/** The folder with the bundle of the sources as they are; undefined where it cannot be made: then the sources run. */
const bundleOf = root => {
  const bundles = path.join(CACHE, 'bundles')
  const folder = path.join(bundles, digestOf(root))
  if (fs.existsSync(folder)) return folder
  // Not installed with `--omit=dev`.
  if (!fs.existsSync(path.join(root, 'node_modules/rolldown'))) return undefined
  const made = `${folder}-${process.pid}`
  const { status } = require('node:child_process').spawnSync(process.execPath, ['scripts/bundle.ts', made], {
    cwd: root
  })
  if (status !== 0) return undefined
  try {
    fs.renameSync(made, folder)
  } catch (_) {
    // Another start was faster.
    fs.rmSync(made, { recursive: true, force: true })
  }
  const age = name => fs.statSync(path.join(bundles, name)).mtimeMs
  const byAge = fs.readdirSync(bundles).sort((a, b) => age(b) - age(a))
  for (const name of byAge.slice(MAX_BUNDLES)) fs.rmSync(path.join(bundles, name), { recursive: true, force: true })
  return folder
}

/** The same arguments, with the programs of the bundle instead of their sources. */
const withBundle = (rest, root, folder) =>
  rest.map(arg => {
    const file = path.join(folder, path.relative(root, path.resolve(arg)).replace(/\.ts$/, '.js'))
    return IS_SOURCE.test(arg) && fs.existsSync(file) ? `./${path.relative('.', file)}` : arg
  })

const IS_SOURCE = /\.ts$/

const start = rest => {
  const root = path.join(__dirname, '..')
  // The image has no sources: it runs a bundle.
  const folder = rest.some(arg => IS_SOURCE.test(arg)) ? bundleOf(root) : undefined
  const programs = folder === undefined ? rest : withBundle(rest, root, folder)
  const args = [...nodeFlags(process.env), ...process.execArgv, ...programs]
  // Compiled code is kept: a start takes half the time.
  const cache = path.join(folder === undefined ? CACHE : folder, 'node-compile')
  const env = Object.assign({ NODE_COMPILE_CACHE: cache }, ENVIRONMENT, process.env)
  if (process.execve) return process.execve(process.execPath, [process.execPath, ...args], env)
  // Windows has neither execve nor signals.
  require('node:child_process')
    .spawn(process.execPath, args, { env, stdio: 'inherit' })
    .on('exit', code => process.exit(code === null ? 1 : code))
}

module.exports = { ENVIRONMENT, digestOf, nodeFlags }

if (require.main === module) start(process.argv.slice(2))
