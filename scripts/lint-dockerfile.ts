import { readFileSync } from 'node:fs'
import { validate } from 'dockerfile-utils'

/** Lints the Dockerfile, or the files of the command line. Every finding is an error. */
const args = process.argv.slice(2)

for (const file of args.length > 0 ? args : ['Dockerfile']) {
  for (const { range, message } of validate(readFileSync(file, 'utf8'))) {
    console.error(`${file}:${range.start.line + 1}:${range.start.character + 1} ${message}`)
    process.exitCode = 1
  }
}
