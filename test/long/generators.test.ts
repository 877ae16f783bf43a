import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { Snapshot } from '../../src/sandbox/snapshot.ts'
import { blocksOf } from '../fast/docs/pages/blocks.ts'
import { operationsOf } from '../support/assert/document.ts'
import { needProgram } from '../support/harness/debian.ts'
import { freshToken } from '../support/harness/fresh-token.ts'
import { type Gateway, gateway } from '../support/harness/gateway.ts'
import { needPackage } from '../support/harness/npm-package.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { prismMock } from './prism/prism.ts'

/**
 * Generators of clients and importers of the document, as integrators use them: each reads what the gateway serves without a
 * complaint, what it makes compiles strictly, reads and orders.
 */
const HOME = 'test/long/generators'

/** 2 min: the slowest tool takes some seconds on a quiet machine. */
const TIMEOUT_MS = 120_000

const KUBB = `import { defineConfig } from '@kubb/core'
import { pluginClient } from '@kubb/plugin-client'
import { pluginOas } from '@kubb/plugin-oas'
import { pluginTs } from '@kubb/plugin-ts'

export default defineConfig({
  input: { path: './openapi.json' },
  output: { path: './out/kubb', clean: true, format: false },
  plugins: [pluginOas({ validate: true }), pluginTs(), pluginClient({ client: 'fetch' })]
})
`

const orvalFor = (baseUrl: string) => `export default { gateway: {
  input: './openapi.json',
  output: { target: './out/orval/api.ts', client: 'fetch', baseUrl: '${baseUrl}' }
} }
`

/** How to generate a client in TypeScript, by the name of the program that uses it. */
const GENERATORS: Readonly<Record<string, readonly string[]>> = {
  'hey-api': [
    'openapi-ts',
    '-i',
    'openapi.json',
    '-o',
    'out/hey-api',
    '-p',
    '@hey-api/typescript',
    '@hey-api/client-fetch',
    '@hey-api/sdk'
  ],
  kubb: ['kubb', 'generate', '--config', 'kubb.config.mjs'],
  'openapi-typescript': ['openapi-typescript', 'openapi.json', '-o', 'out/openapi-typescript/api.d.ts'],
  'openapi-zod-client': [
    'openapi-zod-client',
    'openapi.json',
    '-o',
    'out/openapi-zod-client/api.ts',
    '--export-schemas'
  ],
  orval: ['orval', '--config', 'orval.config.mjs'],
  'swagger-typescript-api': [
    'swagger-typescript-api',
    'generate',
    '-p',
    'openapi.json',
    '-o',
    'out/swagger-typescript-api',
    '-n',
    'api.ts'
  ]
}

const COMPLAINT = /warn|error|fail|deprecat|invalid|unsupported|✗/i

/** Lines of a tool that complain, except those about itself. */
const complaintsIn = (printed: string, ofTheTool: RegExp = /^$/): string[] =>
  printed.split('\n').filter(line => COMPLAINT.test(line) && !ofTheTool.test(line))

const newman = await needPackage('generators', join(HOME, 'package'), 'newman/package.json')
const modules = resolve(newman, '../..')
const folder = temporaryFolder(t)
symlinkSync(modules, join(folder, 'node_modules'))
cpSync(join(HOME, 'programs'), join(folder, 'programs'), { recursive: true })

/** Runs a program in the folder. @returns what it prints */
const run = async (program: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
  const path = [dirname(process.execPath), process.env['PATH']].join(':')
  const options = { cwd: folder, timeout: TIMEOUT_MS, env: { ...process.env, NO_COLOR: '1', PATH: path, ...env } }
  const { stdout, stderr } = await promisify(execFile)(program, args, { ...options, maxBuffer: 2 ** 26 })
  return stdout + stderr
}
const runTool = ([name = '', ...args]: readonly string[]) => run(join(modules, '.bin', name), args)

const served = await gateway(t, { UPSTREAM_TIMEOUT_MS: '5000' })
const document = (await served.get('/openapi.json', { token: null })).json()
writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document))
writeFileSync(join(folder, 'kubb.config.mjs'), KUBB)
writeFileSync(join(folder, 'orval.config.mjs'), orvalFor(served.url))
served.sandbox.control.setCredit('demo', 100_000_000)

/** What a client has read and ordered is what the sandbox holds. */
const isTrue = (t: Test, printed: string, bucketName: string, { sandbox }: Gateway): void => {
  const { ordered, ...read } = JSON.parse(printed)
  t.match(read, {
    s3uid: 's3_user_1',
    buckets: ['holiday-pictures', 'empty-bucket', 'logs'],
    files: Number,
    quotaBytes: Number,
    plans: [1, 2]
  })
  const account = sandbox.control.state().buckets.find(({ name }) => name.endsWith(bucketName))
  t.equal(ordered, account?.s3uid)
}

for (const [name, command] of Object.entries(GENERATORS)) {
  t.test(`${name} generates without a complaint`, async t => {
    mkdirSync(join(folder, 'out', name), { recursive: true })
    t.strictSame(complaintsIn(await runTool(command), /^Writing /), [])
  })
}

t.test('the clients in TypeScript compile strictly', async t => {
  cpSync(join(HOME, 'tsconfig.json'), join(folder, 'tsconfig.json'))
  const compiler = resolve('node_modules/typescript/bin/tsc')
  const printed = await run(process.execPath, [compiler, '-p', '.']).catch(({ stdout }) => stdout)
  t.strictSame(printed.split('\n').filter(Boolean), [])
})

for (const name of Object.keys(GENERATORS)) {
  t.test(`the client of ${name} reads and orders`, async t => {
    const program = `${name}.mjs`
    await runTool([
      'esbuild',
      `programs/${name}.ts`,
      '--bundle',
      '--platform=node',
      '--format=esm',
      `--outfile=${program}`,
      '--log-level=error',
      BANNER
    ])
    const bucketName = `of-${name}`
    isTrue(
      t,
      await run(process.execPath, [program, served.url, served.sandbox.demo.token, bucketName]),
      bucketName,
      served
    )
  })
}

/** Packages in CommonJS call it. */
const BANNER = "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"

t.test('the client in Go of OpenAPI Generator 4.3.1 compiles, reads and orders', async t => {
  const [java, go] = [await needProgram(['java'], 'default-jre-headless'), await needProgram(['go'], 'golang-go')]
  const page = 'docs/how-to/generate-a-client.md'
  const convert = blocksOf(page).find(({ file }) => file === 'to-3.0.mjs')
  writeFileSync(join(folder, 'to-3.0.mjs'), convert?.code ?? '')
  await run(process.execPath, ['to-3.0.mjs'])
  cpSync(join(HOME, 'go'), join(folder, 'go'), { recursive: true })
  const jar = join(modules, '@openapitools/openapi-generator-cli/bin/openapi-generator.jar')
  const target = ['-g', 'go', '-o', 'go/hostkey', '--package-name', 'hostkey']
  const printed = await run(java, ['-jar', jar, 'generate', '-i', 'openapi-3.0.json', ...target])
  t.strictSame(complaintsIn(printed.replaceAll(/^.* INFO .*$/gm, ''), OF_THE_GENERATOR), [])
  const env = { GOFLAGS: '-mod=mod', GOPROXY: 'off', GOCACHE: join(folder, 'go-cache'), GOTELEMETRY: 'off' }
  await run(
    'sh',
    ['-c', `cd go && rm hostkey/go.mod hostkey/go.sum && ${go} vet ./program && ${go} build -o ../client ./program`],
    env
  )
  isTrue(
    t,
    await run('./client', [served.url, served.sandbox.demo.token, 'of-openapi-generator']),
    'of-openapi-generator',
    served
  )
})

/** The folder is new; a relative server of the document is taken for none; extensions of its own templates. */
const OF_THE_GENERATOR = /CodegenIgnoreProcessor|URLPathUtils|lower-kebab casing/

t.test('a client reads and orders from a mock by Prism', async t => {
  const url = await prismMock(t, document)
  const printed = await run(process.execPath, ['openapi-typescript.mjs', url, served.sandbox.demo.token, 'of-a-mock'])
  t.match(JSON.parse(printed), { s3uid: 's3_user_1', ordered: /^s3_user_/ })
})

const operations = operationsOf(document)

/** What a customer can lose. */
const ownedIn = ({ accounts, buckets }: Snapshot): string[] => [
  ...accounts.map(({ s3uid }) => s3uid),
  ...buckets.flatMap(({ name, files }) => [name, ...files.map(([path]) => `${name}/${path}`)])
]

for (const resolution of ['Schema', 'Example']) {
  t.test(`a Postman collection with values by ${resolution}, run blindly, deletes and buys nothing`, async t => {
    const options = `folderStrategy=Tags,parametersResolution=${resolution}`
    t.match(
      await runTool(['openapi2postmanv2', '-s', 'openapi.json', '-o', 'postman.json', '-O', options]),
      'successful'
    )
    const { control } = served.sandbox
    control.reset()
    control.clearCalls()
    const before = control.state()
    const variables = { baseUrl: served.url, bearerToken: await freshToken(served.sandbox) }
    const given = Object.entries(variables).flatMap(pair => ['--env-var', pair.join('=')])
    const output = ['--reporters', 'json', '--reporter-json-export', 'report.json']
    await runTool(['newman', 'run', 'postman.json', ...given, ...output]).catch(() => undefined)
    const { run } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
    t.equal(run.executions.length, operations.length)
    t.ok(run.executions.filter((each: { response?: { code: number } }) => each.response?.code === 200).length > 3)
    t.strictSame(
      ownedIn(before).filter(each => !ownedIn(control.state()).includes(each)),
      [],
      'nothing is deleted'
    )
    t.equal(control.counters()['create_order'] ?? 0, 0, 'nothing is bought')
  })
}

t.test('Bruno imports every operation', async t => {
  const program = `import converters from '@usebruno/converters'
    import { readFileSync } from 'node:fs'
    console.log(JSON.stringify(converters.openApiToBruno(JSON.parse(readFileSync('openapi.json', 'utf8')))))`
  const { items } = JSON.parse(await run(process.execPath, ['--input-type=module', '--eval', program]))
  const requests = items.flatMap((item: { type: string; items?: unknown[] }) => item.items ?? [item])
  t.equal(requests.length, operations.length)
})
