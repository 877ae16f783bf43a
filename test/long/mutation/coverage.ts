import { writeFileSync } from 'node:fs'

/** Loaded before a test file: writes down which mutants it has come by. Stryker's code in the files counts them there. */
const counted = globalThis as { __stryker__?: { mutantCoverage?: { static: Record<string, number> } } }
const file = process.env['MUTATION_COVERAGE']

process.on('exit', () => {
  if (file !== undefined) {
    writeFileSync(file, JSON.stringify(Object.keys(counted.__stryker__?.mutantCoverage?.static ?? {})))
  }
})
