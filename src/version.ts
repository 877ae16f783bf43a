import { readFileSync } from 'node:fs'

/** The version in package.json: the document and the User-Agent say the same. */
export const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8')
)
