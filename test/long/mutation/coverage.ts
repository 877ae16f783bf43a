import { writeFileSync } from 'node:fs'

/** Loaded before a test file: records the mutants that the file reaches, which Stryker's code counts in this object. */
const counted = globalThis as { __stryker__?: { mutantCoverage?: { static: Record<string, number> } } }
const file = process.env['MUTATION_COVERAGE']

process.on('exit', () => {
  if (file !== undefined) {
    writeFileSync(file, JSON.stringify(Object.keys(counted.__stryker__?.mutantCoverage?.static ?? {})))
  }
})
