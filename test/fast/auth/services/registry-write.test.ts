import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hashOf, type ServiceEntry } from '../../../../src/auth/services/entry.ts'
import { addToRegistry } from '../../../../src/auth/services/registry-write.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

const entryOf = (id: string): ServiceEntry => ({
  id,
  secrets: [hashOf(id)],
  scopes: ['accounts:read'],
  apiKey: { env: 'KEY' }
})

const idsIn = (file: string) => JSON.parse(readFileSync(file, 'utf8')).services.map(({ id }: { id: string }) => id)

t.test('an entry comes after the others; they, the mode, the indentation and a link to the file stay', async t => {
  const folder = temporaryFolder(t)
  const [file, link] = [join(folder, 'shared.json'), join(folder, 'link.json')]
  writeFileSync(file, '{\n\t"services": [\n\t\t{ "id": "z", "secrets": ["kept"] },\n\t\t{ "id": "b" }\n\t]\n}\n')
  chmodSync(file, 0o664)
  symlinkSync(file, link)
  addToRegistry(link, entryOf('a'))
  t.match(JSON.parse(readFileSync(file, 'utf8')).services, [{ id: 'z', secrets: ['kept'] }, { id: 'b' }, entryOf('a')])
  t.match(readFileSync(file, 'utf8'), /^\t"services"/m)
  t.equal(statSync(file).mode & 0o777, 0o664)
})

t.test('without a file it writes one that others cannot read', async t => {
  const file = join(temporaryFolder(t), 'services.json')
  for (const id of ['b', 'a']) addToRegistry(file, entryOf(id))
  t.same(idsIn(file), ['b', 'a'])
  t.equal(statSync(file).mode & 0o777, 0o640)
})

t.test('what cannot be added changes nothing and leaves nothing behind', async t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'services.json')
  for (const [text, reason] of [
    ['{"services":[{"id":"a"}]}', /^a is declared in \S+ already/],
    ['{"services":', /not JSON/],
    ['[]', /the file/]
  ] as const) {
    writeFileSync(file, text)
    t.throws(() => addToRegistry(file, entryOf('a')), { message: reason })
    t.equal(readFileSync(file, 'utf8'), text)
    t.same(readdirSync(folder), ['services.json'])
  }
  writeFileSync(`${file}.new`, '')
  t.throws(() => addToRegistry(file, entryOf('b')), { message: /Another command is writing/ })
  t.same(readdirSync(folder), ['services.json', 'services.json.new'])
})
