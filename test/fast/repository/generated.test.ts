import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { compareGenerated, writeGenerated } from '../../../scripts/generated.ts'

t.test(
  'generated files are what the code says, in any environment: run `npm run generate` where this fails',
  async t => {
    const env = {
      ...process.env,
      BASE_PATH: '/storage',
      PUBLIC_URL: 'https://a.example/s3/',
      PORT: 'none',
      HOST: '::1'
    }
    const check = promisify(execFile)(process.execPath, ['scripts/generate.ts', '--check'], {
      env: { ...env, TZ: 'Asia/Tokyo' }
    })
    t.equal(
      await check.then(
        ({ stderr }) => stderr,
        ({ stderr }: { stderr: string }) => stderr
      ),
      ''
    )
  }
)

t.test('a generated file', async t => {
  const path = join(t.testdir(), 'folder/page.md')
  const files = { [path]: 'one\ntwo\n' }

  t.test('is written with its folder, and only when its text has changed', async t => {
    t.same(writeGenerated(files), [path])
    t.equal(readFileSync(path, 'utf8'), files[path])
    t.same(writeGenerated(files), [])
    t.same(compareGenerated(files), [])
  })

  t.test('differs by a changed, a missing or an additional line, or as a whole', async t => {
    for (const [text, line] of [
      ['one\n2\n', '2\n- 2\n+ two'],
      ['one', '2\n- (end of file)\n+ two'],
      ['one\ntwo\n\n', '4\n- \n+ (end of file)']
    ] as const) {
      writeFileSync(path, text)
      t.same(compareGenerated(files), [`${path}:${line}`])
    }
    rmSync(path)
    t.same(compareGenerated(files), [`${path}:1\n- \n+ one`])
  })
})
