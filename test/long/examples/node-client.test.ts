import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pathsIn, runExample } from '../../fast/examples/examples.ts'
import { publish } from '../../support/harness/client.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('examples/node-client', async t => {
  // With the published client, not the one in the repository.
  const folder = await publish(t)
  cpSync('examples/node-client', folder, { recursive: true })
  const { url, sandbox } = await gateway(t)
  const { control, demo } = sandbox
  const run = (env: Record<string, string>) =>
    runExample(process.execPath, [join(folder, 'main.ts')], { GATEWAY: url, ...env })

  t.test('lists, iterates, counts and narrows a problem', async t => {
    const { code, stdout, stderr } = await run({ TOKEN: demo.token })
    t.equal(code, 0, stderr)
    const lines = stdout.trimEnd().split('\n')
    const bucket = control.state().buckets.find(({ name }) => name === 'holiday-pictures')
    t.match(lines[0], /^Buckets of s3_user_1:$/)
    t.equal(lines[1], `  holiday-pictures  ${bucket?.sizeBytes} bytes`)
    t.equal(lines[4], 'The first files of holiday-pictures:')
    t.match(lines.slice(5, 8), [/^ {2}" leading space\.txt" {2}\d+ bytes$/, /^ {2}"/, /^ {2}"/])
    const files = bucket?.files ?? []
    const atRoot = files.filter(([path]) => !path.includes('/')).length
    const bytes = files.reduce((sum, [, size]) => sum + size, 0)
    t.ok(atRoot > 100, 'more than a page')
    t.equal(lines[8], 'At its root:')
    t.match(lines[9], new RegExp(`^ {2}${atRoot} files, [1-9]\\d* folders$`))
    t.equal(lines[10], `In all folders: ${files.length} files, ${bytes} bytes`)
    t.match(lines[11], /^Problem bucket-not-found \(404\): Bucket not found\. Request [\w-]{36}$/)
    t.equal(lines.length, 12)
    t.notMatch(stdout + stderr, demo.token)
  })

  t.test('deletes exactly the file that it is given', async t => {
    const paths = () => pathsIn(sandbox, 'holiday-pictures')
    const before = paths()
    const { code, stdout } = await run({ TOKEN: demo.token, FILE: 'a/../b' })
    t.equal(code, 0)
    t.match(stdout, /^Deleted "a\/\.\.\/b"$/m)
    t.same(
      paths(),
      before.filter(path => path !== 'a/../b')
    )
    t.match(await run({ TOKEN: demo.token, FILE: 'never-there' }), {
      code: 0,
      stdout: /^No such file: "never-there"$/m
    })
  })

  t.test('reports a failure in words', async t => {
    const result = await run({ TOKEN: 'a-token-that-is-none' })
    t.match(result, {
      code: 1,
      stdout: '',
      stderr: /^Invalid or expired token: .*\(invalid-token, request [\w-]{36}\)$/m
    })
    t.notMatch(result.stderr, 'a-token-that-is-none')
    t.match(await run({}), { code: 1, stderr: /Set TOKEN/ })
  })

  t.test('depends only on the client', async t => {
    const { dependencies } = JSON.parse(readFileSync('examples/node-client/package.json', 'utf8'))
    t.same(dependencies, { '@hostkey-s3-gateway/client': 'file:../../client' })
  })
})
