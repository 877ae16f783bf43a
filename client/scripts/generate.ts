import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'
import { parse } from 'yaml'
import { problemsModule } from './problems.ts'

/** Writes what the client knows of the contract; with `--check` it is only compared. Both from `openapi.yaml`. */
const folder = new URL('../src/generated/', import.meta.url)
const yaml = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')

const HEADER = '// Made from openapi.yaml by `npm run client`; do not edit.\n'

const written = (url: URL): string => {
  try {
    return readFileSync(url, 'utf8')
  } catch {
    return ''
  }
}

const files = {
  'schema.ts': HEADER + astToString(await openapiTS(yaml)),
  'problems.ts': HEADER + problemsModule(parse(yaml))
}

mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(files)) {
  const url = new URL(name, folder)
  if (!process.argv.includes('--check')) {
    writeFileSync(url, text)
    console.log(`wrote client/src/generated/${name}`)
  } else if (written(url) !== text) {
    console.error(
      `client/src/generated/${name} differs from openapi.yaml: run \`npm run client\` and commit what it writes`
    )
    process.exitCode = 1
  }
}
