import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { openapiDocument } from '../../../scripts/docs/openapi.ts'
import { faultOf, linksOf, reachableFrom } from './links.ts'

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
    t.same(
      linksOf(page).flatMap(link => faultOf(link) ?? []),
      [],
      'files and headings'
    )
    const text = readFileSync(page, 'utf8')
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

t.test('every page is found from the README, and every page of docs/ in its index', async t => {
  const found = reachableFrom('README.md')
  t.same(
    pages.filter(page => !found.has(page)),
    []
  )
  const listed = linksOf('docs/README.md').map(({ file }) => file)
  t.same(
    globSync('docs/*/*.md').filter(page => !listed.includes(page)),
    []
  )
})

t.test('CHANGELOG.md says of each entry whom it concerns', async t => {
  const entries = readFileSync('CHANGELOG.md', 'utf8').match(/^- .*$/gm) ?? []
  t.ok(entries.length > 40)
  t.same(
    entries.filter(entry => !/^- \*(callers|operators)\*: ./.test(entry)),
    []
  )
})
