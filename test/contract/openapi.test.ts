import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { type ProblemName, problems } from '../../schemas/problems.ts'
import { openapiDocument } from '../../scripts/docs/openapi.ts'
import { actions } from '../../src/upstream/actions/index.ts'

// 90 s: several processes are started, while other files run too.
t.setTimeout(90_000)

interface Media {
  schema: { $ref?: string }
  example?: unknown
  examples?: Record<string, { $ref?: string; value?: unknown }>
}

interface Reply {
  description: string
  headers: Record<string, { $ref: string }>
  content?: Record<string, Media>
}

interface Parameter {
  in: string
  name: string
  required: boolean
  description?: string
  schema: object
  example?: unknown
}

interface Operation {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Reply | { $ref: string }>
  'x-required-scope'?: string
  'x-rate-class'?: string
  'x-upstream-action'?: string[]
}

interface Document {
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, { description?: string; examples?: unknown[] }>
    responses: Record<string, Reply>
    headers: Record<string, { description: string; schema: object; example: unknown }>
    examples: Record<string, { summary: string; value: { type: string; title: string; status: number } }>
  }
}

// The plugin's type of a document leaves open what this file goes on to check.
const document = (await openapiDocument()).document as unknown as Document

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation }))
)

/** Behind authentication: these say which limit they draw from. */
const authenticated = operations.filter(operation => operation['x-rate-class'] !== 'ip')

const nameIn = (reference: string) => reference.split('/').at(-1) ?? ''

/** A problem that looks otherwise at some operations stands there as `<name>.<operation>`. */
const problemAt = (place: string) => place.split('.')[0] ?? ''

const repliesOf = ({ responses }: Operation): [status: string, Reply][] =>
  Object.entries(responses).map(([status, reply]) => {
    const found = '$ref' in reply ? document.components.responses[nameIn(reply.$ref)] : reply
    if (!found) throw new TypeError(`${status} refers to nothing`)
    return [status, found]
  })

/** Names of the operations that break a rule. */
const without = (holds: (operation: (typeof operations)[number]) => boolean, all = operations) =>
  all.filter(operation => !holds(operation)).map(({ method, path }) => `${method} ${path}`)

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

t.test('every operation', async t => {
  t.ok(operations.length >= 19, `${operations.length} operations`)

  t.test('has a name of its own, a summary, a description and a known tag', async t => {
    t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
    t.same(
      without(({ operationId }) => /^(list|get|create|delete)[A-Z][A-Za-z]+$/.test(operationId)),
      []
    )
    t.same(
      without(({ summary }) => /^[A-Z][^.]{3,60}$/.test(summary)),
      []
    )
    t.same(
      without(({ description }) => /[.]$/.test(description)),
      []
    )
    const tags = document.tags.map(({ name }) => name)
    t.same(
      without(operation => operation.tags.length === 1 && operation.tags.every(tag => tags.includes(tag))),
      []
    )
    t.same(
      document.tags.filter(({ description }) => !description),
      []
    )
  })

  t.test('says how to authenticate, and for what', async t => {
    t.same(
      without(({ security }) => Array.isArray(security)),
      []
    )
    t.same(
      without(({ security }) => security.some(way => 'bearer' in way), authenticated),
      []
    )
    const open = ['Service', 'Session']
    t.same(
      without(operation => operation['x-rate-class'] !== 'ip' || open.includes(operation.tags[0] ?? '')),
      []
    )
    t.same(
      without(
        operation =>
          operation.tags.includes('Session') || /^[a-z]+(:[a-z]+)?$/.test(operation['x-required-scope'] ?? ''),
        authenticated
      ),
      []
    )
  })

  t.test('describes each parameter, and those of its path exactly', async t => {
    for (const { path, method, parameters = [] } of operations) {
      const inPath = parameters.filter(parameter => parameter.in === 'path').map(({ name }) => name)
      t.same(inPath.sort(), [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name).sort(), `${method} ${path}`)
      t.same(
        parameters.filter(({ description }) => !description),
        [],
        `${method} ${path}`
      )
    }
  })

  t.test('names the actions of HOSTKEY that it may call, and each action has an operation', async t => {
    const named = operations.flatMap(operation => operation['x-upstream-action'] ?? [])
    t.same(
      named.filter(name => !/^(s3|auth)\/[a-z_]+$/.test(name)),
      []
    )
    t.same(
      Object.keys(actions).filter(name => !named.includes(`s3/${name}`)),
      []
    )
    t.same(
      without(operation => (operation['x-upstream-action'] ?? []).length > 0, authenticated),
      []
    )
  })

  t.test('tells every status that can occur', async t => {
    const tells =
      (...statuses: number[]) =>
      (operation: Operation) =>
        statuses.every(status => status in operation.responses)
    t.same(without(tells(400, 414, 429, 431, 500)), [])
    t.same(without(tells(401, 403, 406, 502, 503), authenticated), [])
    // A login that HOSTKEY does not answer is 503: it says nothing of the credential.
    const asksS3 = (operation: Operation) =>
      operation['x-upstream-action']?.some(name => name.startsWith('s3/')) === true
    t.same(without(tells(504), operations.filter(asksS3)), [])
    const silent = operations.filter(operation => !asksS3(operation))
    t.same(silent.filter(tells(504)), [])
    t.same(
      without(
        tells(413, 415),
        operations.filter(({ method }) => method !== 'get')
      ),
      []
    )
    t.same(
      without(
        tells(404),
        operations.filter(({ path, tags }) => path.includes('{') && !tags.includes('Orders'))
      ),
      []
    )
    t.same(
      without(({ responses }) => Object.keys(responses).some(status => /^2/.test(status))),
      []
    )
  })

  t.test('tells the headers of its replies', async t => {
    for (const operation of operations) {
      const { path, method } = operation
      for (const [status, { headers, content }] of repliesOf(operation)) {
        const always = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Server-Timing']
        const isProblem = content?.['application/problem+json'] !== undefined
        const more =
          {
            201: [path === '/session' ? 'Set-Cookie' : 'Location'],
            401: ['WWW-Authenticate'],
            429: ['Retry-After'],
            503: isProblem ? ['Retry-After'] : []
          }[status] ?? []
        const absent = [...always, ...more].filter(name => !(name in headers))
        t.same(absent, [], `${method} ${path} ${status}`)
      }
    }
    t.hasStrict(document.paths['/accounts/{s3uid}/buckets/{bucket}/files']?.['get']?.responses['200'], {
      headers: { Link: { required: false } }
    })
    for (const path of ['/plans', '/plans/{planId}', '/plans/{planId}/history']) {
      const replies = new Map(document.paths[path]?.['get'] && repliesOf(document.paths[path]['get']))
      t.ok(replies.get('200')?.headers['ETag'], path)
      t.ok(replies.get('304')?.headers['ETag'], path)
    }
  })
})

t.test('the file path is a parameter called path, never *', async t => {
  t.notMatch(JSON.stringify(document), /\{\*\}|"name":"\*"/)
  t.ok(document.paths['/accounts/{s3uid}/buckets/{bucket}/files/{path}']?.['delete'])
})

t.test('a parameter with a default is not required', async t => {
  const validateOnly = document.paths['/orders']?.['post']?.parameters?.find(({ name }) => name === 'validateOnly')
  t.match(validateOnly, { in: 'query', required: false, schema: { default: false, type: 'boolean' } })
  const defaulted = operations.flatMap(({ parameters = [] }) => parameters.filter(({ schema }) => 'default' in schema))
  t.ok(defaulted.length > 0)
  t.same(
    defaulted.filter(({ required }) => required),
    []
  )
})

t.test('components', async t => {
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

t.test('examples', async t => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  const faultsOf = (schema: object, example: unknown) => {
    const validate = ajv.compile(schema)
    return validate(example) ? '' : ajv.errorsText(validate.errors)
  }
  const component = (kind: string, name: string) => ({ $ref: `api#/components/${kind}/${encodeURIComponent(name)}` })

  t.test('of every model fit it', async t => {
    for (const [name, { examples = [] }] of Object.entries(document.components.schemas)) {
      t.ok(examples.length > 0, `${name} has an example`)
      for (const example of examples) t.equal(faultsOf(component('schemas', name), example), '', name)
    }
  })

  t.test('of every problem fit', async t => {
    for (const [place, { summary, value }] of Object.entries(document.components.examples)) {
      const name = problemAt(place)
      t.equal(faultsOf(component('schemas', 'Problem'), value), '', place)
      t.ok(summary)
      t.ok(value.type.endsWith(`/problems/${name}`), value.type)
      t.match(problems[name as ProblemName], { title: value.title, status: value.status }, place)
    }
  })

  t.test('of parameters and headers fit them', async t => {
    const headers = Object.entries(document.components.headers).map(([name, header]) => ({ name, ...header }))
    const given = [...operations.flatMap(({ parameters = [] }) => parameters), ...headers].filter(
      ({ example }) => example !== undefined
    )
    t.ok(given.length > 20)
    for (const { name, schema, example } of given) t.equal(faultsOf(schema, example), '', `${name}: ${example}`)
  })

  t.test('stand at every body, and one for each problem at its status', async t => {
    for (const operation of operations) {
      const { path, method, requestBody } = operation
      const sent = Object.values(requestBody?.content ?? {}).map(media => ['body', media] as const)
      const replied = repliesOf(operation).flatMap(([status, { content = {} }]) =>
        Object.values(content).map(media => [status, media] as const)
      )
      for (const [place, { schema, example, examples = {} }] of [...sent, ...replied]) {
        if (schema.$ref === undefined) continue
        const label = `${method} ${path} ${place}`
        if (schema.$ref !== '#/components/schemas/Problem') {
          const values = example === undefined ? Object.values(examples).map(({ value }) => value) : [example]
          t.ok(values.length > 0, label)
          for (const value of values) t.equal(faultsOf({ $ref: `api${schema.$ref}` }, value), '', label)
          continue
        }
        const names = Object.keys(examples)
        t.ok(names.length > 0, label)
        for (const name of names) {
          const example = nameIn(examples[name]?.$ref ?? '')
          t.equal(problemAt(example), name, label)
          t.equal(document.components.examples[example]?.value.status, Number(place), `${label} ${name}`)
        }
      }
    }
  })
})
