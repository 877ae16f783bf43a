import fc from 'fast-check'
import t from 'tap'
import { phpFields } from '../../src/sandbox/php.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { login, logout, passwordLogin, tokenInfo } from '../../src/upstream/actions/sessions.ts'
import { encodeForm } from '../../src/upstream/protocol/envelope.ts'
import { amount, isLong } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { hostileText } from './fuzz/hostile.ts'
import { phpServer } from './php.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
const VALUES = amount(1000, 5000, 10_000)

const CLIENTS = 4

type Field = [key: string, value: string | number]

const value: fc.Arbitrary<string | number> = fc.oneof(
  { weight: 5, arbitrary: hostileText.map(text => text.toWellFormed()) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).map(text => text.toWellFormed()) },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
  // Every character of the basic plane, controls included.
  { weight: 2, arbitrary: fc.nat({ max: 0xd7ff }).map(code => String.fromCodePoint(code)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'a=b&token=x',
      'a+b',
      'a b',
      '%41',
      '%2B',
      'x[]=1',
      '[0]',
      ' a ',
      '\0',
      '\r\n',
      '\'\\"',
      '&amp;'
    )
  }
)

/** Forms as they are sent: an action, and a value for each of its fields. */
const form: fc.Arbitrary<Field[]> = fc
  .constantFrom(...Object.values(actions), login, passwordLogin, tokenInfo, logout)
  .chain(({ name, script, params }) => {
    const keys = [...(script === 's3.php' ? ['token'] : []), ...Object.keys(params.properties)]
    return fc
      .tuple(...keys.map(() => value))
      .map(values => [['action', name] as Field, ...keys.map((key, place): Field => [key, values[place] ?? ''])])
  })

/** A short run needs no PHP: it reads forms as the sandbox does. */
const sandboxReader = async (form: string) => ({
  fields: [...phpFields(new URLSearchParams(form))],
  others: 0,
  version: 'as the sandbox reads it'
})

t.test(`${VALUES} values through a parser of PHP forms`, async t => {
  process.stdout.write(`# seed of php-values: ${seed}\n`)
  const figure = figuresOf(t, 'php-values')
  const read = isLong ? (await phpServer(t)).read : sandboxReader
  const { version } = await read('')
  const mismatches: unknown[] = []
  let values = 0
  let round = 0

  const client = async () => {
    while (values < VALUES) {
      round += 1
      const batch = fc.sample(form, { seed: seed + round, numRuns: 100 })
      for (const fields of batch) {
        if (values >= VALUES) return
        values += fields.length - 1
        const { fields: seen, others } = await read(encodeForm(fields))
        const meant = fields.map(([key, value]) => [key, String(value)])
        if (JSON.stringify(seen) !== JSON.stringify(meant) || others > 0) mismatches.push({ meant, seen, others })
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))

  t.ok(values >= VALUES, `${values} values`)
  t.strictSame(mismatches.slice(0, 3), [], `seed ${seed}: each key in its place, each value to the byte`)
  figure(`seed ${seed}, ${values} values through PHP ${version}: ${mismatches.length} mismatches`)
})

t.test('what PHP would read otherwise is not sent', async t => {
  for (const value of ['\ud800', 'a\udc00b', 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => encodeForm([['filename', value]]), TypeError, String(value))
  }
})

if (isLong) {
  t.test('and PHP does read otherwise what is not encoded as it should be', async t => {
    const { read } = await phpServer(t)
    t.strictSame((await read('token=a&token=b')).fields, [['token', 'b']])
    t.strictSame((await read('s3uid[]=a')).fields, [['s3uid', null]])
    t.strictSame((await read('bucket.name=a')).fields, [['bucket_name', 'a']])
    t.strictSame((await read('filename=a+b')).fields, [['filename', 'a b']])
  })
}
