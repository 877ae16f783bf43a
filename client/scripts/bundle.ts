import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild-wasm'

/** Bundles the client into one file, for a page without a bundler, and prints its size. */
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const outfile = process.argv[2] ?? at('../dist/browser.js')
const result = await build({
  entryPoints: [at('../src/index.ts')],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  write: false
})
const code = result.outputFiles[0]?.contents ?? new Uint8Array()
mkdirSync(dirname(outfile), { recursive: true })
writeFileSync(outfile, code)
console.log(`${code.length} bytes, ${gzipSync(code).length} bytes with gzip`)
