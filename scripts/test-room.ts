import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'

/**
 * Runs test files one after the other in this process: `node scripts/test-room.ts <files>`. Loading the code and
 * starting the first gateway takes 1.5 s of processor time (measured); a room of test files spends it once.
 */
const files = process.argv.slice(2)
// tap names the folders of fixtures after the arguments; with all files the name would be too long.
process.argv.splice(3)
const { default: t } = await import('tap')

/** Limit of a file and of each test in it: 10 min in a long run, 2 min in a short one. */
const FILE_TIMEOUT_MS = process.env['TEST_AMOUNT'] === 'short' ? 120_000 : 600_000

const tests = new Map<string, Test>()
Object.assign(globalThis, { testOf: (url: string) => tests.get(url) })

// In each file `import t from 'tap'` gives the test of that file instead of the root of the process.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'tap' && tests.has(context.parentURL ?? '')
      ? { url: `${context.parentURL}#tap`, format: 'module', shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) =>
    url.endsWith('#tap')
      ? { source: `export default testOf('${url.slice(0, -'#tap'.length)}')`, format: 'module', shortCircuit: true }
      : next(url, context)
})

for (const file of files) {
  const { href } = pathToFileURL(resolve(file))
  t.test(file, { timeout: FILE_TIMEOUT_MS }, async test => {
    tests.set(href, test)
    await import(href)
  })
}
