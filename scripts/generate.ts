import { clientModules } from '../client/scripts/modules.ts'
import { readCommandLine } from '../src/core/command-line.ts'
import { actionsPage } from './docs/actions.ts'
import { auditPage, auditSchema } from './docs/audit.ts'
import { commandsPage } from './docs/commands.ts'
import { guaranteesPage } from './docs/guarantees.ts'
import { limitsPage } from './docs/limits.ts'
import { openapiDocument } from './docs/openapi.ts'
import { type Operations, readmePage } from './docs/operations.ts'
import { problemsPage } from './docs/problems.ts'
import { settingsPage } from './docs/settings.ts'
import { compareGenerated, writeGenerated } from './generated.ts'

/** `npm run generate` writes every generated file; `npm run drift` only compares them with the code (`--check`). */
const { values } = readCommandLine({
  usage: `npm run generate

Writes every generated file.

  --check  only compares the files with the code, as npm run drift does
`,
  options: { check: { type: 'boolean', default: false } }
})
const { yaml, document } = await openapiDocument()
const files = {
  // The type of the plugin leaves open what is read here.
  'README.md': readmePage(document as unknown as Operations),
  'openapi.yaml': yaml,
  ...(await clientModules(yaml)),
  'docs/reference/actions.md': actionsPage(),
  'docs/reference/audit-log.md': auditPage(),
  'docs/reference/audit-log.schema.json': auditSchema(),
  'docs/reference/commands.md': await commandsPage(),
  'docs/reference/guarantees.md': guaranteesPage(),
  'docs/reference/limits.md': limitsPage(),
  'docs/reference/problems.md': problemsPage(),
  'docs/reference/settings.md': settingsPage()
}

if (values.check) {
  const differences = compareGenerated(files)
  for (const difference of differences) console.error(difference)
  if (differences.length > 0) {
    console.error('Generated files differ from the code: run `npm run generate` and commit the result.')
    process.exitCode = 1
  }
} else {
  for (const path of writeGenerated(files)) console.log(`wrote ${path}`)
}
