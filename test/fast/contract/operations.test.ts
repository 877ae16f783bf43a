import t from 'tap'
import { actions } from '../../../src/upstream/actions/index.ts'
import { committedDocument, type Operation, operationsOf, repliesOf } from '../../support/assert/document.ts'

const document = committedDocument()
const operations = operationsOf(document)

/** The operations that need a caller: they name the class of their limit. */
const authenticated = operations.filter(operation => !['ip', 'none'].includes(operation['x-rate-class']))

/** Names of the operations that break a rule. */
const without = (holds: (operation: (typeof operations)[number]) => boolean, all = operations) =>
  all.filter(operation => !holds(operation)).map(({ method, path }) => `${method} ${path}`)

t.test('every operation', async t => {
  t.ok(operations.length >= 19, `${operations.length} operations`)

  t.test('has a unique name, a summary, a description and a known tag', async t => {
    t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
    t.same(
      without(({ operationId }) =>
        /^(list|get|create|delete|stream|summarize|check|resume|cancel)[A-Z][A-Za-z]+$/.test(operationId)
      ),
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

  t.test('names its authentication and its scope', async t => {
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
          operation.tags.some(tag => ['Session', 'Tokens'].includes(tag)) ||
          /^[a-z]+(:[a-z]+)?( or [a-z]+:[a-z]+)?$/.test(operation['x-required-scope'] ?? ''),
        authenticated
      ),
      []
    )
  })

  t.test('describes each parameter, and has those of its path', async t => {
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

  t.test('lists its own statuses, and the others once', async t => {
    const lists =
      (...statuses: (number | 'default')[]) =>
      (operation: Operation) =>
        statuses.every(status => status in operation.responses)
    t.same(without(lists('default')), [])
    const others = [...new Set(operations.map(({ responses }) => responses['default']?.$ref))]
    t.strictSame(others, ['#/components/responses/default'])
    t.strictSame(
      Object.keys(document.components.responses['default']?.['x-problems'] ?? {}).map(Number),
      [400, 401, 402, 403, 406, 413, 414, 415, 429, 431, 500, 502, 503, 504],
      'those of any operation'
    )
    t.same(
      without(
        lists(404),
        operations.filter(({ path, tags }) => path.includes('{') && !tags.includes('Orders'))
      ),
      []
    )
    t.same(
      without(({ responses }) => Object.keys(responses).some(status => /^2/.test(status))),
      []
    )
  })

  t.test('lists the headers of its replies', async t => {
    t.strictSame(Object.keys(document['x-every-reply'].headers), [
      'X-Request-Id',
      'RateLimit',
      'RateLimit-Policy',
      'Server-Timing'
    ])
    t.strictSame(Object.keys(document.components.responses['default']?.headers ?? {}), [
      'WWW-Authenticate',
      'Set-Cookie',
      'Retry-After'
    ])
    for (const operation of operations) {
      const { path, method } = operation
      for (const [status, { headers = {} }] of repliesOf(document, operation)) {
        const wanted =
          {
            // A signed URL is no resource of the gateway, and a token is shown once.
            201: path === '/session' ? ['Set-Cookie'] : /\/(presigned-urls|tokens)$/.test(path) ? [] : ['Location'],
            401: ['WWW-Authenticate']
          }[status] ?? []
        t.same(
          wanted.filter(name => !(name in headers)),
          [],
          `${method} ${path} ${status}`
        )
      }
    }
    const files = operations.find(({ operationId }) => operationId === 'listFiles')
    t.match(files?.responses['200'], { headers: { Link: { $ref: '#/components/headers/Link' } } })
    t.notOk(document.components.headers['Link']?.required)
    const ofPlans = operations.filter(({ tags }) => tags.includes('Plans'))
    t.equal(ofPlans.length, 3)
    for (const operation of ofPlans) {
      const replies = new Map(repliesOf(document, operation))
      t.ok(replies.get('200')?.headers?.['ETag'], operation.path)
      t.ok(replies.get('304')?.headers?.['ETag'], operation.path)
    }
  })
})

t.test('the file path is a parameter called path, never *', async t => {
  t.notMatch(JSON.stringify(document), /\{\*\}|"name":"\*"/)
  t.ok(document.paths['/accounts/{s3uid}/buckets/{bucket}/files/{path}']?.['delete'])
})

t.test('a parameter with a default is not required', async t => {
  const files = operations.find(({ operationId }) => operationId === 'listFiles')
  const recursive = files?.parameters.find(({ name }) => name === 'recursive')
  t.match(recursive, { in: 'query', schema: { default: false, type: 'boolean' } })
  const defaulted = operations.flatMap(({ parameters = [] }) => parameters.filter(({ schema }) => 'default' in schema))
  t.ok(defaulted.length > 0)
  t.same(
    defaulted.filter(({ required }) => required),
    []
  )
})
