import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { bundle, publish } from '../support/client.ts'
import { gateway } from '../support/gateway.ts'

// 100 s: the compiler that consumers use takes seconds for itself.
t.setTimeout(100_000)

const PROGRAM = 'test/client/programs/consumer.ts'

/** What a page loads at most, compressed. A larger client needs a reason. */
const MOST_GZIPPED_BYTES = 6500

const run = promisify(execFile)

/** The code of the README, block by block. */
const blocks = [...readFileSync('client/README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code
)

/** The blocks as one program, each with what its reader has at hand. */
const readmeProgram = (): string => {
  const given = ['baseUrl', 'token', 'email', 'password', 's3uid', 'name'].map(name => `declare const ${name}: string`)
  const bodies = blocks.map(code => {
    const own = code.replace(/^import .*$/m, '')
    const client = own.includes('const gateway') ? '' : 'const gateway = createClient({ baseUrl })\n'
    return `void (async () => {\n${client}${own}})`
  })
  return [
    "import { createClient, isProblem } from '@hostkey-s3-gateway/client'",
    ...given,
    'declare const ask: (text: string) => void',
    'declare const wait: (seconds: number | undefined) => void',
    ...bodies
  ].join('\n')
}

t.test('the published client', async t => {
  const folder = await publish(t)

  t.test('runs the first lines of its README in Node, as they stand', async t => {
    const [lines = ''] = blocks
    t.equal(
      lines
        .trim()
        .split('\n')
        .filter(line => line !== '').length,
      5,
      'five lines'
    )
    const { url, sandbox } = await gateway(t)
    const [first = '', ...rest] = lines.split('\n')
    const given = `const [baseUrl, token] = process.argv.slice(2)`
    writeFileSync(join(folder, 'readme.mjs'), [first, given, ...rest].join('\n'))
    const { stdout } = await run(process.execPath, [join(folder, 'readme.mjs'), url, sandbox.demo.token])
    t.equal(stdout, "[ 'holiday-pictures', 'empty-bucket', 'logs' ]\n")
  })

  t.test('gives consumers types that hold, with the strictest compiler', async t => {
    cpSync(PROGRAM, join(folder, 'consumer.ts'))
    writeFileSync(join(folder, 'readme.ts'), readmeProgram())
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable'],
          module: 'nodenext',
          types: [],
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          skipLibCheck: false,
          noEmit: true
        },
        files: ['consumer.ts', 'readme.ts']
      })
    )
    const printed = await run(process.execPath, [resolve('client/node_modules/typescript/bin/tsc'), '-p', folder]).then(
      ({ stdout }) => stdout,
      // Fails on purpose: what counts is what it prints.
      ({ stdout }: { stdout: string }) => stdout
    )
    t.notMatch(printed, /readme\.ts/, 'each block of the README compiles')
    const found = [...printed.matchAll(/consumer\.ts\((\d+),\d+\): error (TS\d+)/g)].map(
      ([, line, code]) => `${line} ${code}`
    )
    const expected = readFileSync(PROGRAM, 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const code = /\/\/ (TS\d+)$/.exec(line)?.[1]
        return code === undefined ? [] : [`${index + 1} ${code}`]
      })
    t.ok(expected.length >= 20)
    t.same(found, expected, 'what must not compile does not, and all else does')
  })
})

t.test('the client as one file is small', async t => {
  const { code, printed } = await bundle(t)
  const gzipped = gzipSync(code).length
  t.comment(`browser.js: ${printed.trim()}`)
  t.ok(gzipped <= MOST_GZIPPED_BYTES, `${gzipped} bytes with gzip, at most ${MOST_GZIPPED_BYTES}`)
  t.notMatch(code, /\bimport\b(?!\.meta)/, 'and imports nothing')
})

t.test('the generated modules', async t => {
  const check = (cwd: string) =>
    run(process.execPath, [resolve('client/scripts/generate.ts'), '--check'], { cwd }).then(
      () => '',
      ({ stderr }: { stderr: string }) => stderr
    )

  t.test('are what openapi.yaml says: run `npm run client` where this fails', async t => {
    t.equal(await check('.'), '')
  })

  t.test('fail the check where the document has gone on', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'generated-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'client/src'), { recursive: true })
    cpSync('client/src/generated', join(folder, 'client/src/generated'), { recursive: true })
    const yaml = readFileSync('openapi.yaml', 'utf8')
    writeFileSync(join(folder, 'openapi.yaml'), yaml)
    t.equal(await check(folder), '')
    writeFileSync(join(folder, 'openapi.yaml'), yaml.replace('operationId: listBuckets', 'operationId: bucketList'))
    t.match(await check(folder), /schema\.ts differs from openapi\.yaml.*\n.*problems\.ts differs/)
  })
})
