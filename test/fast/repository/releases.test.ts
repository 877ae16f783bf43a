import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { breakingChanges } from '../../../scripts/breaking/changes.ts'

const committed = parse(readFileSync('openapi.yaml', 'utf8'))

t.test('the document breaks nothing against itself', async t => {
  t.same(breakingChanges(committed, structuredClone(committed)), [])
})

/** What a change to the document breaks. */
// biome-ignore lint/suspicious/noExplicitAny: any part of the document is changed.
const breaks = (change: (document: any) => void): string[] => {
  const after = structuredClone(committed)
  change(after)
  return breakingChanges(committed, after)
}

t.test('what breaks callers is found', async t => {
  t.same(
    breaks(after => {
      delete after.paths['/accounts/{s3uid}'].delete
    }),
    ['delete /accounts/{s3uid}: is gone']
  )
  t.match(
    breaks(after => {
      delete after.components.schemas.Bucket.properties.name
    }),
    [/name: is gone$/]
  )
  t.match(
    breaks(after => {
      after.components.schemas.NewBucket.required.push('region')
    }),
    ['post /accounts/{s3uid}/buckets request/region: is required']
  )
  t.match(
    breaks(after => {
      after.components.schemas.Bucket.properties.name = { type: 'integer' }
    }),
    [/name: type string is now integer$/]
  )
  t.match(
    breaks(after => {
      after.paths['/accounts'].get.parameters.push({ in: 'query', name: 'region', required: true, schema: {} })
    }),
    ['get /accounts: query region is required']
  )
  t.match(
    breaks(after => {
      after.paths['/accounts'].get['x-required-scope'] = 'admin'
    }),
    ['get /accounts: needs the scope admin']
  )
})

t.test('what callers must expect is no breaking change', async t => {
  const changes = breaks(after => {
    after.paths['/new'] = { get: { responses: {} } }
    after.components.schemas.Bucket.properties.owner = { type: 'string' }
    after.components.schemas.NewBucket.properties.owner = { type: 'string' }
    after.paths['/accounts'].get.responses['418'] = { description: 'new' }
    after.paths['/accounts'].get.parameters.push({ in: 'query', name: 'region', schema: {} })
  })
  t.same(changes, [])
})

t.test('the version is the same everywhere', async t => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.equal(JSON.parse(readFileSync('client/package.json', 'utf8')).version, version)
  t.equal(JSON.parse(readFileSync('package-lock.json', 'utf8')).version, version)
  t.equal(committed.info.version, version)
  t.match(readFileSync('deploy/kubernetes/kustomization.yaml', 'utf8'), `newTag: ${version}`)
})

t.test('the workflows can do only what they need, and run the gate', async t => {
  const files = globSync('.github/workflows/*.yml')
  t.ok(files.length >= 2)
  for (const file of files) {
    const { permissions, jobs } = parse(readFileSync(file, 'utf8'))
    t.same(permissions, { contents: 'read' }, `${file}: jobs ask for more by themselves`)
    // biome-ignore lint/suspicious/noExplicitAny: a workflow has no types.
    for (const [name, job] of Object.entries<any>(jobs)) {
      t.ok(job['timeout-minutes'] > 0 || job.uses, `${file} ${name} has a time limit`)
      for (const { uses = '' } of job.steps ?? []) t.notMatch(uses, /@(main|master|latest)$/, `${file} ${name}`)
    }
  }
  t.match(readFileSync('.github/workflows/gate.yml', 'utf8'), /bash \.ci\/run/)
})
