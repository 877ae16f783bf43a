import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const PROGRAMS = 'test/long/types/programs'

/** The place and the code of each expected error: `actions.ts:17 TS2322`. */
const expected = readdirSync(PROGRAMS).flatMap(file =>
  readFileSync(join(PROGRAMS, file), 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      const code = /\/\/ (TS\d+)$/.exec(line)?.[1]
      return code === undefined ? [] : [`${file}:${index + 1} ${code}`]
    })
)

const compile = () =>
  new Promise<string>(resolve => {
    const args = ['node_modules/typescript/bin/tsc', '-p', 'test/long/types/tsconfig.json', '--pretty', 'false']
    // Fails on purpose; only the output matters.
    execFile(process.execPath, args, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`))
  })

t.test('each line that must not compile fails with the error that it names', async t => {
  const printed = await compile()
  const found = [...printed.matchAll(/^(.+?)\((\d+),\d+\): error (TS\d+): .*$/gm)].map(
    ([text, path = '', line, code]) => ({
      where: path.startsWith(`${PROGRAMS}/`) ? `${path.slice(PROGRAMS.length + 1)}:${line} ${code}` : text,
      text
    })
  )
  t.ok(expected.length >= 30, `${expected.length} lines that must not compile`)
  t.same(
    found.filter(({ where }) => !expected.includes(where)).map(({ text }) => text),
    [],
    'nothing else fails'
  )
  const failing = found.map(({ where }) => where)
  for (const where of expected) t.ok(failing.includes(where), where)
})
