import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { openapiDocument } from '../../scripts/docs/openapi.ts'

interface Operation {
  operationId: string
  'x-required-scope': string
  'x-upstream-action'?: string[]
}

interface Document {
  paths: Record<string, Record<string, Operation>>
}

const readme = readFileSync('README.md', 'utf8')
const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'))

t.test('README.md lists every operation as the document does', async t => {
  // The plugin's type of a document leaves open what is read here.
  const { paths } = (await openapiDocument()).document as unknown as Document
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [
      `\`${method.toUpperCase()} ${path}\``,
      operation.operationId,
      operation['x-required-scope'].replace('none', ''),
      (operation['x-upstream-action'] ?? []).join(', ')
    ])
  )
  const listed = readme.split('\n').filter(line => /^\| `(GET|POST|DELETE) \//.test(line))
  const cells = listed.map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim())
  )
  t.ok(rows.length >= 19)
  t.same(cells.sort(), rows.sort())
})

const own = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'client/README.md']
const pages = [...own, ...globSync(['docs/**/*.md', 'examples/**/*.md'])]

for (const page of pages) {
  t.test(`${page} leads nowhere that is not there`, async t => {
    const text = readFileSync(page, 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, link = '']) => link)
    t.same(
      links.filter(link => !existsSync(join(dirname(page), link))),
      [],
      'files'
    )
    const commands = [...text.matchAll(/(?:npm run |`npm (?!run)|^npm (?!run))([a-z:]+)/gm)].map(
      ([, name = '']) => name
    )
    t.same(
      commands.filter(name => !(name in scripts) && !['ci', 'install', 'pack'].includes(name)),
      [],
      'commands of npm'
    )
  })
}
