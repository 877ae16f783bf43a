import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { faultOf, linksOf, reachableFrom } from './links.ts'

const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'))

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
