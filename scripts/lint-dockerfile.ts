import { readFileSync } from 'node:fs'
import { validate } from 'dockerfile-utils'

/** Lints the Dockerfile, or the files named on the command line. Every finding is an error. */
const named = process.argv.slice(2)

for (const file of named.length > 0 ? named : ['Dockerfile']) {
  for (const { range, message } of validate(readFileSync(file, 'utf8'))) {
    console.error(`${file}:${range.start.line + 1}:${range.start.character + 1} ${message}`)
    process.exitCode = 1
  }
}
