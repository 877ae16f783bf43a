import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { digestOf } from '../../../scripts/start.cjs'
import { temporaryFolder } from '../../support/harness/replicas.ts'

t.test('a bundle is made again when a source was changed, added or removed', async t => {
  const root = temporaryFolder(t)
  for (const name of ['scripts', 'src/core', 'routes', 'schemas']) mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, 'package-lock.json'), '{}')
  writeFileSync(join(root, 'src/core/a.ts'), 'a')
  const digests = [digestOf(root)]
  t.equal(digestOf(root), digests[0])
  const changes = [
    () => writeFileSync(join(root, 'src/core/a.ts'), 'b'),
    () => writeFileSync(join(root, 'src/core/b.ts'), 'b'),
    () => writeFileSync(join(root, 'package-lock.json'), '{ }'),
    () => rmSync(join(root, 'src/core/a.ts'))
  ]
  for (const change of changes) {
    change()
    digests.push(digestOf(root))
  }
  t.equal(new Set(digests).size, changes.length + 1)
})
