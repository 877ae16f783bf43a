import { execFile } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { bundle, publish } from '../../support/harness/client.ts'
import { gateway } from '../../support/harness/gateway.ts'

const PROGRAM = 'test/long/client/programs/consumer.ts'

/** Limit of the compressed client, which a page downloads: a third is its sentences. Raise it only with a reason. */
const MAX_GZIPPED_BYTES = 9500

const run = promisify(execFile)

/** The code blocks of the README. */
const blocks = [...readFileSync('client/README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code
)

/** The blocks as one program, with the declarations that they assume. */
const readmeProgram = (): string => {
  const declarations = ['baseUrl', 'token', 'email', 'password', 's3uid', 'name'].map(
    name => `declare const ${name}: string`
  )
  const bodies = blocks.map(code => {
    const own = code.replace(/^import .*$/m, '')
    const client = own.includes('const gateway') ? '' : 'const gateway = createClient({ baseUrl })\n'
    return `void (async () => {\n${client}${own}})`
  })
  return [
    "import { createClient, isProblem } from '@hostkey-s3-gateway/client'",
    ...declarations,
    'declare const ask: (text: string) => void',
    'declare const cancelButton: HTMLButtonElement',
    'declare const file: File',
    'declare const destination: WritableStream<Uint8Array>',
    'declare const readToken: () => Promise<string>',
    'declare const wait: (seconds: number | undefined) => void',
    ...bodies
  ].join('\n')
}

const STRICTEST = {
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable'],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true
}

/** The output of a consumer's compiler, which fails on purpose. */
const compile = (folder: string): Promise<string> =>
  run(process.execPath, [resolve('client/node_modules/typescript/bin/tsc'), '-p', folder]).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout
  )

/** Line and code of each error: `12 TS2322`. */
const errorsIn = (printed: string): string[] =>
  [...printed.matchAll(/^(?!readme)\S+?\((\d+),\d+\): error (TS\d+)/gm)].map(([, line, code]) => `${line} ${code}`)

/** The errors that the program expects: a comment at the end of each line that must not compile. */
const expectedErrors = (): string[] => {
  const lines = readFileSync(PROGRAM, 'utf8').split('\n')
  const expected = lines.flatMap((line, index) => {
    const code = /\/\/ (TS\d+)$/.exec(line)?.[1]
    return code === undefined ? [] : [`${index + 1} ${code}`]
  })
  if (expected.length < 20) throw new Error('too few expected errors: the program is read wrongly')
  return expected
}

t.test('the published client', async t => {
  const folder = await publish(t)

  t.test('runs the first lines of its README in Node', async t => {
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

  t.test('holds exactly its code, its README and its licence', async t => {
    const home = join(folder, 'node_modules/@hostkey-s3-gateway/client')
    t.same(readdirSync(home).sort(), ['LICENSE', 'README.md', 'dist', 'package.json'])
    t.equal(readFileSync(join(home, 'LICENSE'), 'utf8'), readFileSync('LICENSE', 'utf8'))
    const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
    for (const path of Object.values<object>(exports).flatMap(paths => Object.values(paths))) {
      t.ok(existsSync(join(home, path)), path)
    }
  })

  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['node16', 'node16'],
    ['esnext', 'bundler']
  ] as const) {
    t.test(`gives consumers correct types with the strictest compiler and ${moduleResolution}`, async t => {
      cpSync(PROGRAM, join(folder, 'consumer.ts'))
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      writeFileSync(join(folder, 'readme.ts'), readmeProgram())
      const compilerOptions = { ...STRICTEST, module, moduleResolution }
      const files = ['consumer.ts', 'readme.ts']
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      const printed = await compile(folder)
      t.notMatch(printed, /readme\.ts/, 'each block of the README compiles')
      t.same(errorsIn(printed), expectedErrors(), 'exactly the marked lines fail')
    })
  }
})

t.test('the client as one file is small', async t => {
  const { code, printed } = await bundle(t)
  const gzipped = gzipSync(code).length
  t.comment(`browser.js: ${printed.trim()}`)
  t.ok(gzipped <= MAX_GZIPPED_BYTES, `${gzipped} bytes with gzip, at most ${MAX_GZIPPED_BYTES}`)
  const sizes = `${Math.round(code.length / 1000)} kB, ${Math.round(gzipped / 1000)} kB compressed`
  t.match(readFileSync('client/README.md', 'utf8'), sizes, 'as its README says')
  t.notMatch(code, /\bimport\b(?!\.meta)/, 'imports nothing')
})
