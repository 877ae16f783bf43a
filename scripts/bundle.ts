import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
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

const bundle = await rolldown({
  input: Object.fromEntries(programs.map(path => [path.replace(/\.ts$/, ''), path])),
  platform: 'node',
  // Reads files of its own package.
  external: ['@fastify/swagger-ui'],
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message)
  }
})
await bundle.write({ dir: folder, entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' })
await bundle.close()
const { name, version, type } = manifest
writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`)
