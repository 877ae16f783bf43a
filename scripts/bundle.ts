import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import manifest from '../package.json' with { type: 'json' }
import { readCommandLine } from '../src/core/command-line.ts'

/** A start reads thirty files instead of 1,600. */
const { positionals } = readCommandLine({
  usage: `npm run build -- [FOLDER]

Bundles the programs of the gateway with the packages that they use, in the folder dist: each program in one file, and what they
share, or load later, in others.
`,
  maxArguments: 1
})
const [folder = 'dist'] = positionals

const programs = ['scripts/load-env.ts', 'src/server.ts', 'src/sandbox/main.ts', ...globSync('src/commands/*.ts')]

/** V8 keeps a source with one byte for each character only where all of them are of Latin-1. */
const latin1: Plugin = {
  name: 'latin1',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) if (file.type === 'chunk') file.code = escapeTexts(file.code)
  }
}

/** The same code. Other characters stand in texts and expressions only, where an escape means the same. */
const escapeTexts = (code: string): string => {
  if (/\\[^\0-\xff]/.test(code)) throw new Error('a character beyond Latin-1 after a backslash')
  return code.replace(/[^\0-\xff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Without space and comments, in which V8 would keep 4 MB more; names stay, for the traces of errors. */
const minify = { compress: false, mangle: false, codegen: { removeWhitespace: true } }

const bundle = await rolldown({
  input: Object.fromEntries(programs.map(path => [path.replace(/\.ts$/, ''), path])),
  platform: 'node',
  plugins: [latin1],
  // Reads files of its own package.
  external: ['@fastify/swagger-ui'],
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message)
  }
})
await bundle.write({ dir: folder, minify, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' })
await bundle.close()
const { name, version, type } = manifest
writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`)
