import fc from 'fast-check'
import t from 'tap'
import { awkwardPaths } from '../../src/sandbox/fixture-files.ts'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { LISTINGS, type Listing, opens } from '../support/harness/listings.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
process.stdout.write(`# seed of file-trees: ${seed}\n`)
const figure = figuresOf(t, 'file-trees')

/** Names that are beginnings of each other, empty, equal but for case, or special in paths. */
const name = fc.constantFrom('a', 'A', 'ab', 'abc', 'a.b', 'b', '', ' ', '.', '..', '%2F', 'é', '日', '\u{1f600}', '0')

/** A file beside a folder of its name, in deep folders, and the awkward paths. */
const trees = fc
  .array(fc.array(name, { minLength: 1, maxLength: 6 }), { minLength: 5, maxLength: 60 })
  .map(paths => [
    ...paths.map(parts => parts.join('/')).filter(path => path !== ''),
    ...paths.slice(0, 5).map(parts => `${parts.join('/')}/inside`),
    `${'d/'.repeat(40)}deep`
  ])

interface Query {
  folder: string
  recursive: boolean
  search: string
  limit: number
}

const expectedOf = (tree: readonly string[], { folder, recursive, search }: Query): Set<string> => {
  const inside = tree.filter(path => path.startsWith(folder))
  if (search !== '') return new Set(inside.filter(path => path.slice(folder.length).includes(search)))
  if (recursive) return new Set(inside)
  // A folder ends with a slash: `folder:` tells it from the file of that path, which a client can store.
  return new Set(
    inside.map(path => {
      const slash = path.indexOf('/', folder.length)
      return slash < 0 ? path : `folder:${path.slice(0, slash + 1)}`
    })
  )
}

t.test('a list is what the tree holds, or says that it is not complete, whatever HOSTKEY’s search does', async t => {
  const { get, sandbox } = await gateway(t)
  const { control } = sandbox
  let lists = 0
  let incomplete = 0

  /** Every page of a list, and whether it says that it is complete. */
  const listOf = async (query: Query) => {
    const entries: string[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const params = new URLSearchParams({
        folder: query.folder,
        recursive: String(query.recursive),
        search: query.search,
        limit: String(query.limit),
        ...(cursor && { cursor })
      })
      const reply = await get(`/accounts/s3_user_1/buckets/empty-bucket/files?${params}`)
      if (reply.statusCode !== 200) throw new Error(reply.text)
      const page = reply.json()
      entries.push(
        ...page.items.map(({ path }: { path: string }) => path),
        ...page.folders.map(({ path }: { path: string }) => `folder:${path}`)
      )
      if (page.items.length + page.folders.length > query.limit) throw new Error('the page is longer than its limit')
      if (page.complete && page.nextCursor !== null) throw new Error('a complete list continues')
      if (page.nextCursor === null) return { entries, complete: page.complete as boolean }
      cursor = page.nextCursor
    }
    throw new Error('unreachable')
  }

  /** Compares a list with the tree. @throws Error they differ */
  const compare = async (tree: readonly string[], listing: Listing, query: Query) => {
    const { entries, complete } = await listOf(query)
    const expected = expectedOf(tree, query)
    const listed = new Set(entries)
    lists += 1
    if (!complete) incomplete += 1
    const about = JSON.stringify({ listing, query })
    if (listed.size !== entries.length) throw new Error(`an entry is listed twice: ${about}`)
    const wrong = entries.filter(entry => !expected.has(entry))
    if (wrong.length > 0) throw new Error(`${JSON.stringify(wrong)} is not in the tree: ${about}`)
    const missing = [...expected].filter(entry => !listed.has(entry))
    if (complete && missing.length > 0) throw new Error(`${JSON.stringify(missing)} is missing: ${about}`)
    if (!complete && opens(listing)) throw new Error(`the list is not complete: ${about}`)
  }

  const use = (listing: Listing, tree: readonly string[]) => {
    control.reset()
    control.setBehaviours(listing)
    for (const path of tree) control.putFile('empty-bucket', path)
  }

  await fc.assert(
    fc.asyncProperty(
      trees,
      fc.constantFrom(...LISTINGS),
      fc.array(fc.record({ at: fc.nat(), up: fc.nat(5), recursive: fc.boolean(), text: fc.nat(), limit: fc.nat(20) }), {
        minLength: 6,
        maxLength: 6
      }),
      async (paths, listing, choices) => {
        const tree = [...new Set([...paths, ...awkwardPaths])]
        use(listing, tree)
        for (const { at, up, recursive, text, limit } of choices) {
          const path = tree[at % tree.length] ?? ''
          const parts = path.split('/')
          const folder = parts.slice(0, Math.min(up, parts.length - 1)).join('/')
          const search = text % 3 === 0 ? (tree[text % tree.length] ?? '').slice(text % 2, (text % 2) + 3) : ''
          await compare(tree, listing, {
            folder: folder === '' ? '' : `${folder}/`,
            recursive,
            // Control characters are not searched for.
            search: /[\p{Cc}\p{Cs}]/u.test(search) ? '' : search,
            limit: limit === 0 ? 1000 : limit
          })
        }
      }
    ),
    { seed, numRuns: amount(18, 30, 110) }
  )

  t.test('10,000 siblings, files or folders', async t => {
    const numbers = Array.from({ length: 10_000 }, (_, n) => n)
    const tree = [
      ...numbers.map(n => `files/f${n}`),
      ...numbers.map(n => `folders/${n}/x`),
      'a',
      'filesystem',
      'folders'
    ]
    for (const listing of amount(LISTINGS.slice(6, 7), LISTINGS.slice(5, 7))) {
      use(listing, tree)
      for (const folder of ['files/', 'folders/', ''])
        await compare(tree, listing, { folder, recursive: false, search: '', limit: 1000 })
      for (const folder of amount(['files/'], ['files/', 'folders/']))
        await compare(tree, listing, { folder, recursive: true, search: '', limit: 1000 })
      await compare(tree, listing, { folder: 'files/', recursive: false, search: '99', limit: 1000 })
    }
    t.ok(lists > 0)
  })

  figure(`${lists} lists as the trees, or not complete`)
  t.ok(incomplete < lists / 2, `${incomplete} of ${lists} lists are not complete`)
})

t.test('“delete everything listed, then the bucket” works', async t => {
  const { get, del, sandbox } = await gateway(t)
  const { control } = sandbox
  for (const listing of amount(LISTINGS.slice(1, 2), LISTINGS.filter(opens))) {
    for (const limit of amount([100], [7])) {
      control.reset()
      control.setBehaviours(listing)
      const address = '/accounts/s3_user_1/buckets/holiday-pictures'
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { items: { links: { self: string } }[]; nextCursor: string | null } = (
          await get(`${address}/files?recursive=true&limit=${limit}${cursor && `&cursor=${cursor}`}`)
        ).json()
        for (const { links } of page.items) t.equal((await del(links.self)).statusCode, 204)
        cursor = page.nextCursor
      }
      t.equal((await del(address)).statusCode, 204, JSON.stringify({ listing, limit }))
    }
  }
})
