import t from 'tap'
import { statusOf } from '../../../client/src/generated/problems.ts'
import { createClient, GatewayProblem, IncompleteList, isProblem, type ProblemName } from '../../../client/src/index.ts'
import { problems } from '../../../schemas/problems.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { failureOf } from './failure.ts'

/** Paths that clients and proxies rewrite. */
const AWKWARD = [
  '../../../../s3_user_2',
  './a',
  'a//b',
  '/leading',
  'trailing/',
  'a%2Fb',
  '100%',
  'a+b c',
  'a&path=b#c?d=e',
  'naïve/日本語/😀'
]

/** The items of an iteration. */
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

t.test('a client in Node, by token', async t => {
  const { url, sandbox, lines } = await gateway(t)
  const { control, demo } = sandbox
  const client = createClient({ baseUrl: url, token: demo.token })
  const filesOf = (name: string) => control.state().buckets.find(bucket => bucket.name === name)?.files ?? []
  t.beforeEach(() => control.reset())

  t.test('reads by the paths of the document', async t => {
    const { items } = await client.GET('/accounts/{s3uid}/buckets', { params: { path: { s3uid: 's3_user_1' } } })
    t.same(
      items.map(({ name }) => name),
      ['holiday-pictures', 'empty-bucket', 'logs']
    )
  })

  t.test('writes, and deletes what it has written', async t => {
    const path = { s3uid: 's3_user_1' }
    const { name } = await client.POST('/accounts/{s3uid}/buckets', { params: { path }, body: { name: 'new-bucket' } })
    t.equal(
      await client.DELETE('/accounts/{s3uid}/buckets/{bucket}', { params: { path: { ...path, bucket: name } } }),
      undefined
    )
  })

  t.test('calls the token function for each request', async t => {
    let asked = 0
    const token = async () => {
      asked++
      return demo.token
    }
    const client = createClient({ baseUrl: `${url}/`, token })
    await client.GET('/plans')
    await client.GET('/session')
    t.equal(asked, 2)
  })

  t.test('keeps the path of its base URL, with and without a trailing slash', async t => {
    const mounted = await gateway(t, { BASE_PATH: '/storage' })
    for (const baseUrl of [mounted.url, `${mounted.url}/`]) {
      t.match(baseUrl, '/storage')
      const { items } = await createClient({ baseUrl, token: mounted.sandbox.demo.token }).GET('/plans')
      t.ok(items.length > 0)
    }
  })

  t.test('refuses a base URL that is not a URL when it is created', async t => {
    for (const baseUrl of ['', '/storage', 's3.example.com']) {
      t.throws(() => createClient({ baseUrl, token: 'any' }), { name: 'TypeError', message: /^baseUrl is not a URL/ })
    }
  })

  t.test('throws a problem with its name, its status and the id of the request', async t => {
    const error = await failureOf(
      client.GET('/accounts/{s3uid}/buckets', { params: { path: { s3uid: 's3_user_none' } } })
    )
    if (!isProblem(error, 'account-not-found')) throw error
    const status: 404 = error.status
    t.equal(status, 404)
    t.match(error, { retryable: false, errors: [], links: {}, upstream: { action: 'get_buckets' } })
    t.match(error.type, /\/problems\/account-not-found$/)
    t.ok(error instanceof GatewayProblem && error instanceof Error)
    t.ok(lines.some(line => line.includes(error.instance)))
    t.notOk(isProblem(error, 'bucket-not-found', 'forbidden'))
    t.notOk(isProblem(new Error('another')))
  })

  t.test('reports the faults of a request', async t => {
    const error = await failureOf(collect(client.filePages('s3_user_1', 'logs', { limit: 0 })))
    if (!isProblem(error, 'invalid-request')) throw error
    t.match(error.errors, [{ in: 'query', parameter: 'limit', detail: String }])
  })

  t.test('throws unknown-problem for a failed reply without a known problem', async t => {
    const replies = [
      new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } }),
      Response.json({ type: 'https://a.example/problems/of-the-future', retryable: true }, { status: 418 }),
      new Response('{"type":"https://a.example/problems/of-the-future","retryable":false}', {
        status: 418,
        headers: { 'content-type': 'application/problem+json', 'x-request-id': 'r-1' }
      })
    ]
    const thrown = []
    for (const reply of replies) {
      const client = createClient({ baseUrl: url, token: 'none', fetch: async () => reply, retry: { attempts: 1 } })
      thrown.push(await failureOf(client.GET('/plans')))
    }
    t.match(thrown, [
      { name: 'unknown-problem', status: 502, retryable: true },
      { name: 'unknown-problem', status: 418, retryable: false },
      { name: 'unknown-problem', status: 418, type: 'https://a.example/problems/of-the-future', instance: 'r-1' }
    ])
  })

  t.test('never exposes its token', async t => {
    const refused = createClient({ baseUrl: url, token: 'a-token-that-is-none' })
    const error = await failureOf(refused.GET('/plans'))
    t.ok(isProblem(error, 'invalid-token'))
    t.notMatch(JSON.stringify([error, refused]) + String((error as Error).stack), 'a-token-that-is-none')
  })

  t.test('yields each file once, and counts them', async t => {
    const all = filesOf('holiday-pictures').map(([path]) => path)
    const found = await collect(client.allFiles('s3_user_1', 'holiday-pictures'))
    t.strictSame(found.map(({ path }) => path).sort(), all.sort())
    const summer = all.filter(path => path.startsWith('2021/summer/'))
    t.match(await client.summary('s3_user_1', 'holiday-pictures', '2021/summer/'), {
      files: summer.length,
      complete: true
    })
    const inside = await collect(client.folder('s3_user_1', 'holiday-pictures', '2021/summer/'))
    t.match(inside, [{ folder: { path: '2021/summer/beach/' } }, { folder: { path: '2021/summer/mountains/' } }])
  })

  t.test('throws incomplete-list at the end of a list from which HOSTKEY’s search hides folders', async t => {
    control.setBehaviours({ searchListing: 'delimited' })
    const seen: string[] = []
    const error = await failureOf(
      (async () => {
        for await (const { path } of client.allFiles('s3_user_1', 'holiday-pictures')) seen.push(path)
      })()
    )
    t.ok(error instanceof IncompleteList && seen.length > 0)
    t.ok(
      (await failureOf(collect(client.streamFiles('s3_user_1', 'holiday-pictures', { folder: '2021/' })))) instanceof
        IncompleteList
    )
    control.setBehaviours({ searchListing: 'flat' })
  })

  t.test('gives pages to useInfiniteQuery without glue', async t => {
    const { queryFn, getNextPageParam, initialPageParam, queryKey } = client.listFilesInfinite('s3_user_1', 'logs', {
      folder: '2023/10/01/',
      limit: 20
    })
    t.strictSame(queryKey, ['files', 's3_user_1', 'logs', { folder: '2023/10/01/', limit: 20 }])
    const first = await queryFn({ pageParam: initialPageParam })
    const next = getNextPageParam(first)
    t.type(next, 'string')
    const last = await queryFn({ pageParam: next, signal: AbortSignal.timeout(5000) })
    t.equal(getNextPageParam(last), undefined)
    t.equal(first.items.length + last.items.length, 36)
  })

  t.test('requests no page before it is needed', async t => {
    control.clearCalls()
    for await (const { items } of client.filePages('s3_user_1', 'logs')) {
      t.ok(items.length > 0)
      break
    }
    t.equal(control.counters()['get_files'], 1)
  })

  t.test('streams the same files and folders', async t => {
    const pages = await collect(client.filePages('s3_user_1', 'logs'))
    const entries = await collect(client.streamFiles('s3_user_1', 'logs'))
    const paths = (list: ({ path: string } | undefined)[]) => list.flatMap(each => (each ? [each.path] : [])).sort()
    t.strictSame(paths(entries.map(({ file }) => file)), paths(pages.flatMap(({ items }) => items)))
    t.strictSame(paths(entries.map(({ folder }) => folder)), paths(pages.flatMap(({ folders }) => folders)))
    const found = await collect(client.streamFiles('s3_user_1', 'logs', { search: 'access-0000' }))
    t.equal(found.length, 10)
  })

  t.test('throws the problem that ends a stream', async t => {
    control.fault({ kind: 'refusal', action: 'get_files', after: 1, text: 'Permission denied' })
    const seen: string[] = []
    const error = await failureOf(
      (async () => {
        for await (const { file } of client.streamFiles('s3_user_1', 'logs')) seen.push(file?.path ?? '')
      })()
    )
    t.ok(isProblem(error), String(error))
    t.ok(seen.length > 0, 'after the first page')
  })

  for (const path of AWKWARD) {
    t.test(`deletes exactly ${JSON.stringify(path)}`, async t => {
      control.putFile('logs', path)
      const before = filesOf('logs').length
      t.ok(filesOf('logs').some(([name]) => name === path))
      await client.deleteFile('s3_user_1', 'logs', path)
      t.equal(filesOf('logs').length, before - 1)
      t.notOk(filesOf('logs').some(([name]) => name === path))
    })
  }

  t.test('refuses names that a URL cannot hold, before a request is sent', async t => {
    control.clearCalls()
    for (const bucket of ['.', '..', '']) {
      t.ok((await failureOf(client.deleteFile('s3_user_1', bucket, 'a'))) instanceof RangeError, bucket)
    }
    t.same(control.calls(), [])
  })
})

t.test('the client knows every problem', async t => {
  const known: Record<string, number> = statusOf
  for (const [name, { status }] of Object.entries(problems)) {
    if (name !== 'method-not-allowed') t.equal(known[name], status, name)
  }
  const name: ProblemName = 'rate-limited'
  t.equal(known[name], 429)
})
