import { readFileSync } from 'node:fs'
import { code, table } from './markdown.ts'

/** What the table shows of the OpenAPI document. */
export interface Operations {
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
}

interface Operation {
  operationId: string
  tags: string[]
  'x-required-scope': string
  'x-upstream-action'?: string[]
}

/** By tag, in the order of the document. */
const rowsOf = ({ tags, paths }: Operations): string[][] => {
  const rankOf = (operation: Operation) => tags.findIndex(({ name }) => operation.tags.includes(name))
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ request: `${method.toUpperCase()} ${path}`, operation }))
  )
  operations.sort((a, b) => rankOf(a.operation) - rankOf(b.operation))
  return operations.map(({ request, operation }) => [
    code(request),
    operation.operationId,
    operation['x-required-scope'].replace('none', ''),
    (operation['x-upstream-action'] ?? []).join(', ')
  ])
}

/** The table under this heading of the README is generated. */
const TABLE = /(?<=\n## Operations\n\n)(\|.*\n)+/

/** The README with its table of operations. @throws Error when the README has no such table */
export const readmePage = (document: Operations): string => {
  const readme = readFileSync('README.md', 'utf8')
  if (!TABLE.test(readme)) throw new Error('README.md has no table under "## Operations"')
  const operations = table(['Request', 'Operation', 'Scope', 'Actions of HOSTKEY'], rowsOf(document))
  return readme.replace(TABLE, () => `${operations}\n`)
}
