import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { parse } from 'yaml'
import { problemsModule } from './problems.ts'

/** Writes what the client knows of the contract, from `openapi.yaml` here; with `--check` it is only compared. */
const FOLDER = 'client/src/generated'

const HEADER = '// Made from openapi.yaml by `npm run client`; do not edit.\n'

const written = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const yaml = readFileSync('openapi.yaml', 'utf8')
const modules = {
  'schema.ts': HEADER + astToString(await openapiTS(yaml)),
  'problems.ts': HEADER + problemsModule(parse(yaml))
}

mkdirSync(FOLDER, { recursive: true })
for (const [name, text] of Object.entries(modules)) {
  const path = join(FOLDER, name)
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text)
    console.log(`wrote ${path}`)
  } else if (written(path) !== text) {
    console.error(`${path} differs from openapi.yaml: run \`npm run client\` and commit what it writes`)
    process.exitCode = 1
  }
}
