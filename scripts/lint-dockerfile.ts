import { readFileSync } from 'node:fs'
import { validate } from 'dockerfile-utils'
import { readCommandLine, runCommand } from '../src/core/command-line.ts'

const { positionals } = readCommandLine({
  usage: `npm run lint, in part: node scripts/lint-dockerfile.ts [FILE]…

Lints the Dockerfile, or the files named. Every finding is an error.
`,
  maxArguments: Number.POSITIVE_INFINITY
})

await runCommand(() => {
  for (const file of positionals.length > 0 ? positionals : ['Dockerfile']) {
    for (const { range, message } of validate(readFileSync(file, 'utf8'))) {
      console.error(`${file}:${range.start.line + 1}:${range.start.character + 1} ${message}`)
      process.exitCode = 1
    }
  }
})
