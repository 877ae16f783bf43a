import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

interface Locked {
  version?: string
  license?: string
  integrity?: string
  resolved?: string
  link?: boolean
  dev?: boolean
  optional?: boolean
  devOptional?: boolean
  hasInstallScript?: boolean
}

/** Maximum number of production packages, transitive ones included: each is another party to trust. */
const RUNTIME_BUDGET = 115

/** Their size: each byte is read at a start, or shipped unread. */
const RUNTIME_BYTES = 75_000_000

/** Versions that fix an advisory. */
const MINIMUM_VERSIONS = {
  // CVE-2026-3635
  fastify: '5.8.3',
  // CVE-2026-1525: duplicate Content-Length
  undici: '7.24.0'
}

/** 5 MB: larger tracked files are not source code. */
const MAX_FILE_BYTES = 5_000_000

type Manifest = Record<string, Record<string, string> | undefined>
/** Packages of tests, of an example and of the benchmark that install their own dependencies. */
const TEST_PACKAGES = ['test/long/prism/package', 'test/long/mutation/package', 'examples/react', 'bench']
const manifests: [string, Manifest][] = ['.', 'client', ...TEST_PACKAGES].map(folder => [
  folder,
  JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
])
/** The locked packages, without the project and its workspace. */
const lockedIn = (file: string): [string, Locked][] => {
  const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(file, 'utf8'))
  return Object.entries(lock.packages).filter(([path]) => path.includes('node_modules/'))
}
const LOCKS = ['.', ...TEST_PACKAGES].map(folder => `${folder}/package-lock.json`)
const locked = lockedIn('package-lock.json')
const runtime = locked.filter(([, each]) => !each.dev && !each.optional && !each.devOptional && !each.link)
const namesOf = (packages: [string, Locked][]) => packages.map(([path]) => path)

for (const [path, manifest] of manifests) {
  t.test(`${path} names exact versions`, async t => {
    for (const group of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      const loose = Object.entries(manifest[group] ?? {}).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      t.same(loose, [], group)
    }
  })
}

t.test('the client depends only on openapi-fetch', async t => {
  t.same(Object.keys(manifests[1]?.[1]['dependencies'] ?? {}), ['openapi-fetch'])
})

t.test('every direct dependency has a reason in decision 3', async t => {
  const decision = readFileSync('docs/decisions/0003-dependencies.md', 'utf8')
  const named = manifests.flatMap(([, manifest]) =>
    ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap(group => Object.keys(manifest[group] ?? {}))
  )
  t.same(
    named.filter(name => !decision.includes(`\`${name}\``)),
    []
  )
})

for (const file of LOCKS) {
  const locked = lockedIn(file)
  t.test(`${file} holds a SHA-512 for every package, and no URL of a registry`, async t => {
    t.ok(locked.length > 50, 'the file is read')
    t.same(namesOf(locked.filter(([, each]) => !each.link && !/^sha512-[\w+/]{86}==$/.test(each.integrity ?? ''))), [])
    t.same(namesOf(locked.filter(([, each]) => !each.link && each.resolved !== undefined)), [])
    t.notMatch(readFileSync(file, 'utf8'), /"resolved": "https?:/)
  })

  t.test(`no package of ${file} runs a script when it is installed`, async t => {
    t.same(namesOf(locked.filter(([, each]) => each.hasInstallScript)), [])
  })
}

t.test('the number of production packages is limited', async t => {
  t.ok(runtime.length > 0)
  t.ok(runtime.length <= RUNTIME_BUDGET, `${runtime.length} of ${RUNTIME_BUDGET}`)
})

t.test('the production packages take less than the budget on disk', async t => {
  // Hidden files of package managers and caches are not theirs.
  const bytes = runtime.reduce((sum, [path]) => sum + bytesIn(path), 0)
  t.ok(bytes < RUNTIME_BYTES, `${(bytes / 1e6).toFixed(1)} of ${RUNTIME_BYTES / 1e6} MB`)
})

t.test('the licences of the production packages allow any use', async t => {
  const licences = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD']
  t.same(
    runtime
      .filter(([, { license }]) => !licences.includes(license ?? ''))
      .map(([path, { license }]) => `${path} ${license}`),
    []
  )
})

t.test('no production package is older than the fix of a known advisory', async t => {
  for (const [name, minimum] of Object.entries(MINIMUM_VERSIONS)) {
    const versions = runtime
      .filter(([path]) => path.endsWith(`node_modules/${name}`))
      .map(([, each]) => each.version ?? '')
    t.ok(versions.length > 0, name)
    for (const version of versions) t.ok(isAtLeast(version, minimum), `${name} ${version} is at least ${minimum}`)
  }
})

t.test('no secret is tracked', async t => {
  /** Published by their owners as examples, or invented for the sandbox. */
  const examples = [
    'AKIAIOSFODNN7EXAMPLE',
    'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    // A cursor on HOSTKEY's page, not a credential: {"ContinuationToken":"ABC123"}.
    'eyJDb250aW51YXRpb25Ub2tlbiI6IkFCQzEyMyJ9'
  ]
  /** Counted digits and words: obviously not random. */
  const INVENTED = /^(0123456789abcdef|fedcba9876543210|feedfacefeedface|-)+$/
  const shapes: Record<string, RegExp> = {
    'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----/g,
    'an access key': /\b(AKIA|ASIA)[A-Z0-9]{16}\b/g,
    'a secret key': /(?<![\w/+-])(?=[\w/+]*[A-Z])(?=[\w/+]*[a-z])(?=[\w/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=-])/g,
    'a token': /\b[0-9a-f]{32}\b/gi,
    'an API key': /\b[0-9a-f]{16}-[0-9a-f]{16}\b/gi,
    'a credential in an address': /\bhttps?:\/\/[^\s/@:'"`$]+:[^\s/@'"`$]+@(?![\w.-]*\bexample\b)/g
  }
  const secretsIn = (text: string): string[] =>
    Object.entries(shapes).flatMap(([kind, shape]) =>
      [...text.matchAll(shape)].filter(([found]) => !examples.includes(found) && !INVENTED.test(found)).map(() => kind)
    )

  t.test('the patterns find planted secrets', async t => {
    // Assembled at run time: this file must not contain a secret itself.
    const hex = 'deadbeef'.repeat(4)
    const planted = {
      'a private key': `-----BEGIN ${'RSA PRIVATE'} KEY-----`,
      'an access key': `AKIA${'ABCD'.repeat(4)}`,
      'a secret key': `${'aB3/'.repeat(10)}`,
      'a token': hex,
      'an API key': `${hex.slice(16)}-${hex.slice(16)}`,
      'a credential in an address': `https://${'me:word'}@gateway.internal`
    }
    for (const [kind, secret] of Object.entries(planted)) t.same(secretsIn(`x = "${secret}"`), [kind], kind)
    t.same(secretsIn(examples.join(' ')), [], 'published examples are not secrets')
  })

  t.test('no file contains one', async t => {
    const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(Boolean)
    t.ok(files.includes('package.json'), 'tracked files are listed')
    const found = files
      .filter(file => !LOCKS.includes(file))
      .flatMap(file => secretsIn(textOf(file)).map(kind => `${kind} in ${file}`))
    t.same(found, [])
  })
})

const isAtLeast = (version: string, minimum: string): boolean => {
  const [a, b] = [version, minimum].map(text => text.split('.').map(Number))
  const index = a?.findIndex((part, at) => part !== b?.[at]) ?? -1
  return index === -1 || (a?.[index] ?? 0) > (b?.[index] ?? 0)
}

/** Size of the files of a package, without the packages below it. */
const bytesIn = (path: string): number =>
  readdirSync(path, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && !entry.parentPath.slice(path.length).includes('node_modules'))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)

/** The text of a tracked file; empty when it is deleted in the working tree or too large. */
const textOf = (file: string): string => {
  try {
    const bytes = readFileSync(file)
    return bytes.length > MAX_FILE_BYTES ? '' : bytes.toString('utf8')
  } catch {
    return ''
  }
}
