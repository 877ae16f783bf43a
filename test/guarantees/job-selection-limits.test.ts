import fc from 'fast-check'
import t from 'tap'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { jobAfter } from '../support/harness/jobs.ts'
import { LISTINGS, opens } from '../support/harness/listings.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
process.stdout.write(`# seed of job-selection-limits: ${seed}\n`)
const figure = figuresOf(t, 'job-selection')

const ACCOUNT = 's3_user_1'
/** One name extends another, and is extended. */
const BUCKETS = ['empty-bucket', 'empty', 'empty-bucket-2']
/** S3's limit of a path, bytes of UTF-8. */
const MAX_BYTES = 1024

/** Composed and decomposed, halves of one character, equal but for case, encoded, dot segments, and nothing. */
const part = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'ab', 'A', '日', '\u00e9', 'e\u0301', 'e', '\u{1f600}', '\u{1f601}') },
  { weight: 1, arbitrary: fc.constantFrom('', '.', '..', '%2e%2e', '%2F', 'a%2F..') }
)
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))

/** Other ways to name a path, and paths beside it. */
const variantsOf = (path: string): string[] => [
  ...[path, `${path}/`, path.replace(/\/$/, ''), `${path}/../b`, `${path}/./x`, `x/${path}`, `/${path}`, `./${path}`],
  ...[path.normalize('NFC'), path.normalize('NFD'), path.toUpperCase(), encodeURIComponent(path)],
  ...[path.slice(0, -1), path.slice(0, 1), path + 'y'.repeat(Math.max(0, MAX_BYTES - Buffer.byteLength(path)))]
]

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1)

interface Attack {
  /** The files of each bucket. */
  tree: string[]
  limits: { buckets?: string[]; pathPrefix?: string }
  bucket: string
  isEncoded: boolean
  isAsync: boolean
  selection: { paths: string[] } | { prefix: string } | { all: true }
}

const attacks: fc.Arbitrary<Attack> = fc
  .record({
    paths: fc.array(path, { minLength: 3, maxLength: 10 }),
    limit: fc.constantFrom('bucket', 'prefix', 'both'),
    bucket: fc.constantFrom('empty-bucket', 'empty-bucket', ...BUCKETS),
    kind: fc.constantFrom('paths', 'paths', 'prefix', 'prefix', 'all'),
    picks: fc.array(fc.nat(1000), { minLength: 1, maxLength: 4 }),
    cut: fc.nat(4),
    isInside: fc.boolean(),
    isEncoded: fc.boolean(),
    isAsync: fc.boolean()
  })
  .map(({ paths, limit, bucket, kind, picks, cut, isInside, isEncoded, isAsync }) => {
    const folder = folderOf(paths.find(each => folderOf(each).length > 1) ?? 'a/b')
    // Rarely as long as a path may be: then nothing but the prefix itself is left.
    const pathPrefix = cut < 4 ? folder : `${folder}${'y'.repeat(MAX_BYTES - 1 - Buffer.byteLength(folder))}/`
    const below = paths.map(each => pathPrefix + each)
    const limits = {
      ...(limit !== 'prefix' && { buckets: [`${ACCOUNT}/${BUCKETS[0]}`] }),
      ...(limit !== 'bucket' && { pathPrefix })
    }
    const all = [...new Set([...paths, ...below].flatMap(variantsOf))]
    const tree = all.filter(each => each !== '' && each.isWellFormed() && Buffer.byteLength(each) <= MAX_BYTES)
    const inside = tree.filter(each => reaches(limits, bucket, each))
    const pool = isInside && inside.length > 0 ? inside : [...all, pathPrefix]
    const picked = picks.map(index => pool[index % pool.length] ?? 'a')
    const [first = ''] = picked
    const prefix = isInside ? first.slice(0, Math.max(pathPrefix.length, first.length - cut)) : first
    return {
      tree,
      limits,
      bucket,
      isEncoded,
      isAsync,
      selection: kind === 'paths' ? { paths: picked } : kind === 'prefix' ? { prefix } : { all: true as const }
    }
  })

const begins = (path: string, prefix: string) =>
  Buffer.from(path).subarray(0, Buffer.byteLength(prefix)).equals(Buffer.from(prefix))

/** Told apart from the code: what is in reach, byte by byte. */
const reaches = ({ buckets, pathPrefix }: Attack['limits'], bucket: string, path: string): boolean =>
  (buckets === undefined || buckets.includes(`${ACCOUNT}/${bucket}`)) &&
  (pathPrefix === undefined || (begins(path, pathPrefix) && !/(^|\/)\.{1,2}(\/|$)/.test(path)))

t.test('a deletion of a limited token deletes what it selects within its reach, and nothing else', async t => {
  const running = await gateway(t)
  const { control } = running.sandbox
  const tokens = new Map<string, string>()
  const tokenFor = async (limits: object): Promise<string> => {
    const known = tokens.get(JSON.stringify(limits))
    if (known) return known
    if (tokens.size >= 150) {
      for (const { tokenId } of (await running.get('/tokens')).json().items) await running.del(`/tokens/${tokenId}`)
      tokens.clear()
    }
    const body = { name: 'attack', scopes: ['files:delete'], expiresInSeconds: 3600, ...limits }
    const reply = await running.post('/tokens', body)
    if (reply.statusCode !== 201) throw new Error(reply.text)
    tokens.set(JSON.stringify(limits), reply.json().token)
    return reply.json().token
  }
  const count = { requests: 0, refused: 0, deleted: 0 }

  await fc.assert(
    fc.asyncProperty(attacks, fc.constantFrom(...LISTINGS), async (attack, listing) => {
      const { tree, limits, bucket, isEncoded, isAsync, selection } = attack
      control.reset()
      control.setBehaviours(listing)
      for (const name of BUCKETS.slice(1)) {
        const made = await running.post(`/accounts/${ACCOUNT}/buckets`, { name })
        if (made.statusCode !== 201) throw new Error(made.text)
      }
      for (const name of BUCKETS) for (const each of tree) control.putFile(name, each)
      const token = await tokenFor(limits)
      control.clearCalls()
      const name = isEncoded ? bucket.replace(/./g, char => `%${char.charCodeAt(0).toString(16)}`) : bucket
      const reply = await running.post(
        `/accounts/${ACCOUNT}/buckets/${name}/file-deletions`,
        { ...selection, ...(!('paths' in selection) && { confirm: bucket }) },
        { token, headers: isAsync ? { prefer: 'respond-async' } : {} }
      )
      const { statusCode, text } = reply
      const job = statusCode === 202 ? await jobAfter(running, reply.json().jobId, { options: { token } }) : undefined
      const calls = control.calls().filter(({ script }) => script === 's3.php')
      const files = new Map(control.state().buckets.map(each => [each.name, new Set(each.files.map(([path]) => path))]))
      const isGone = (name: string, path: string) => !files.get(name)?.has(path)
      count.requests += 1

      const selected = 'paths' in selection ? selection.paths : ['prefix' in selection ? selection.prefix : '']
      const isSelected = (path: string) =>
        'paths' in selection ? selection.paths.includes(path) : begins(path, selected[0] ?? '')
      for (const { action, fields } of calls) {
        const { bucket_name: name = '', filename = '' } = fields
        if (action === 'delete_file' && !(name === bucket && isSelected(filename) && reaches(limits, name, filename))) {
          throw new Error(`sent: ${name} ${filename}`)
        }
      }
      for (const name of BUCKETS) {
        for (const path of tree) {
          const isMeant = name === bucket && isSelected(path) && reaches(limits, name, path)
          if (isGone(name, path) && !isMeant) throw new Error(`deleted outside: ${name} ${path}`)
        }
      }
      const isText =
        'all' in selection ||
        selected.every(each => each !== '' && each.isWellFormed() && [...each].length <= MAX_BYTES)
      const isWithin = selected.every(each => reaches(limits, bucket, each))
      if (!isText || !isWithin) {
        const isRefused = statusCode === 403 || (!isText && statusCode === 400)
        if (!isRefused || calls.length > 0) throw new Error(`not refused: ${statusCode} ${text}, ${calls.length} calls`)
        count.refused += 1
        return
      }
      const inside = tree.filter(path => isSelected(path) && reaches(limits, bucket, path))
      count.deleted += inside.filter(path => isGone(bucket, path)).length
      if (statusCode !== 207 && statusCode !== 202) throw new Error(`refused: ${statusCode} ${text}`)
      const kept = inside.filter(path => !isGone(bucket, path))
      if (kept.length > 0 && (job === undefined || job.state === 'succeeded' || opens(listing))) {
        throw new Error(`left inside: ${job?.state} ${JSON.stringify(kept)}`)
      }
    }),
    { seed, numRuns: amount(15, 60, 1000) }
  )
  figure(
    `${count.requests} deletions of limited tokens, ${count.refused} refused, ${count.deleted} files: 0 outside the reach`
  )
  t.ok(count.refused > 0 && count.deleted > 0, JSON.stringify(count))
})
