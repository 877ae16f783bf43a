import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { actionsPage } from './docs/actions.ts'
import { guaranteesPage } from './docs/guarantees.ts'
import { limitsPage } from './docs/limits.ts'
import { problemsPage } from './docs/problems.ts'
import { settingsPage } from './docs/settings.ts'

/** The reference pages that are made from code; with `--check` they are only compared. */
const pages: Record<string, () => string> = {
  'docs/reference/actions.md': actionsPage,
  'docs/reference/limits.md': limitsPage,
  'docs/reference/problems.md': problemsPage,
  'docs/reference/guarantees.md': guaranteesPage,
  'docs/reference/settings.md': settingsPage
}

const isCheck = process.argv.includes('--check')

const written = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

for (const [path, page] of Object.entries(pages)) {
  const text = page()
  if (written(path) === text) continue
  if (isCheck) {
    console.error(`${path} differs from the code: run \`npm run docs\` and commit what it writes`)
    process.exitCode = 1
    continue
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  console.log(`wrote ${path}`)
}
