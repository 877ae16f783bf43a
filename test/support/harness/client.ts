import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Lifetime } from './lifetime.ts'

const run = promisify(execFile)

/** A folder that the end of the test removes. */
const folderFor = (t: Lifetime): string => {
  const folder = mkdtempSync(join(tmpdir(), 'client-'))
  t.after(async () => rmSync(folder, { recursive: true }))
  return folder
}

/** The client as one file, for a page without a bundler. */
export const bundle = async (t: Lifetime): Promise<{ code: string; printed: string }> => {
  const file = join(folderFor(t), 'browser.js')
  const { stdout } = await run(process.execPath, ['client/scripts/bundle.ts', file])
  return { code: readFileSync(file, 'utf8'), printed: stdout }
}

/** A folder for programs that use the published client: built by its own compiler, packed by npm, and unpacked. */
export const publish = async (t: Lifetime): Promise<string> => {
  const folder = folderFor(t)
  const [source, modules] = [join(folder, 'source'), join(folder, 'node_modules')]
  const compiler = 'client/node_modules/typescript/bin/tsc'
  await run(process.execPath, [compiler, '-p', 'client/tsconfig.build.json', '--outDir', join(source, 'dist')])
  await run(process.execPath, ['client/scripts/bundle.ts', join(source, 'dist/browser.js')])
  for (const name of ['package.json', 'README.md', 'LICENSE', 'src', 'scripts']) {
    cpSync(join('client', name), join(source, name), { recursive: true })
  }
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source })
  const home = join(modules, '@hostkey-s3-gateway/client')
  mkdirSync(home, { recursive: true })
  await run('tar', ['xzf', join(folder, stdout.trim()), '--strip-components=1', '-C', home])
  for (const name of ['openapi-fetch', 'openapi-typescript-helpers']) {
    cpSync(join('node_modules', name), join(modules, name), { recursive: true })
  }
  return folder
}
