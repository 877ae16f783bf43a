import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { committedDocument } from '../../support/assert/document.ts'

// 90 s: several processes are started, while other files run too.
t.setTimeout(90_000)

t.test('openapi.yaml', async t => {
  const check = (cwd: string, env: NodeJS.ProcessEnv = {}) =>
    promisify(execFile)(process.execPath, [resolve('scripts/openapi.ts'), '--check'], {
      cwd,
      env: { ...process.env, ...env }
    }).then(
      ({ stderr }) => ({ isSame: true, stderr }),
      ({ stderr }: { stderr: string }) => ({ isSame: false, stderr })
    )

  t.test('is what the routes say: run `npm run openapi` where this fails', async t => {
    t.match(await check('.'), { isSame: true })
  })

  t.test('does not depend on the environment', async t => {
    const env = {
      BASE_PATH: '/storage',
      PUBLIC_URL: 'https://a.example/s3/',
      PORT: 'none',
      HOST: '::1',
      TZ: 'Asia/Tokyo'
    }
    t.match(await check('.', env), { isSame: true })
  })

  t.test('fails where it differs, and shows the first difference', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'openapi-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const text = readFileSync('openapi.yaml', 'utf8')
    const line = text.split('\n').findIndex(line => line.includes('operationId: listBuckets'))
    writeFileSync(join(folder, 'openapi.yaml'), text.replace('operationId: listBuckets', 'operationId: bucketList'))
    const { isSame, stderr } = await check(folder)
    t.notOk(isSame)
    t.match(stderr, `openapi.yaml:${line + 1}\n-       operationId: bucketList\n+       operationId: listBuckets\n`)
    writeFileSync(join(folder, 'openapi.yaml'), `${text}more: 1\n`)
    t.match((await check(folder)).stderr, /- more: 1\n\+ /)
    rmSync(join(folder, 'openapi.yaml'))
    t.match((await check(folder)).stderr, /openapi\.yaml:1\n- \n\+ openapi: 3\.1\.0/)
  })

  t.test('has no anchors, which readers of YAML differ about', async t => {
    t.notMatch(readFileSync('openapi.yaml', 'utf8'), /[:-] [&*]a\d/)
  })
})

t.test('components', async t => {
  const document = committedDocument()

  t.test('have names and descriptions', async t => {
    const schemas = Object.entries(document.components.schemas)
    t.ok(schemas.length > 20)
    t.same(
      schemas.filter(([name]) => !/^[A-Z][A-Za-z]+$/.test(name)),
      []
    )
    t.same(
      schemas.filter(([, { description }]) => !description),
      []
    )
  })

  t.test('are all found where they are referred to', async t => {
    const references = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, name = '']) => name)
    )
    const there = Object.entries(document.components).flatMap(([kind, all]) =>
      Object.keys(all).map(name => `${kind}/${name}`)
    )
    t.same(
      [...references].filter(name => !there.includes(name)),
      []
    )
  })
})
