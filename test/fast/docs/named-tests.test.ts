import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const FOLDER = 'docs/explanation'

t.test('every test that an explanation names exists', async t => {
  for (const page of readdirSync(FOLDER)) {
    const text = readFileSync(`${FOLDER}/${page}`, 'utf8')
    for (const [, file = ''] of text.matchAll(/`([^`\s]+\.test\.ts)`/g)) t.ok(existsSync(file), `${page}: ${file}`)
  }
})

t.test('every row of the table of what callers can take names a test', async t => {
  const [, table = ''] = readFileSync(`${FOLDER}/security-model.md`, 'utf8').split('| shared | who could take it |')
  const rows = (table.split('\n\n')[0] ?? '').split('\n').filter(row => /^\| \w/.test(row))
  t.ok(rows.length > 10)
  for (const row of rows) t.match(row, /\.test\.ts`/, row.slice(0, 60))
})
