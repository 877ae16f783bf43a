import { readFileSync } from 'node:fs'

/** The version in package.json, which openapi.yaml states. */
export const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
)
