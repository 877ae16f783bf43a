import { readFileSync, writeFileSync } from 'node:fs'
import { openapiDocument } from './docs/openapi.ts'

/** Writes the OpenAPI document of the routes; with `--check` it is only compared. */
const PATH = 'openapi.yaml'

const written = (): string => {
  try {
    return readFileSync(PATH, 'utf8')
  } catch {
    return ''
  }
}

const { yaml: document } = await openapiDocument()

if (!process.argv.includes('--check')) {
  writeFileSync(PATH, document)
  console.log(`wrote ${PATH}`)
} else if (written() !== document) {
  const there = written().split('\n')
  const here = document.split('\n')
  const line = here.findIndex((text, index) => text !== there[index])
  const at = line === -1 ? here.length : line
  console.error(`${PATH} differs from the routes: run \`npm run openapi\` and commit what it writes

${PATH}:${at + 1}
- ${there[at] ?? '(the end)'}
+ ${here[at] ?? '(the end)'}`)
  process.exitCode = 1
}
