import t from 'tap'
import { toInstant } from '../../../src/core/timestamps.ts'

const timestamps: [theirs: string | undefined, ours: string | undefined][] = [
  ['2023-10-27T10:00:00Z', '2023-10-27T10:00:00Z'],
  ['2023-10-31T23:59:59Z', '2023-10-31T23:59:59Z'],
  ['2023-10-27T10:00:00.250Z', '2023-10-27T10:00:00Z'],
  ['2023-10-27T10:00:00+02:00', '2023-10-27T08:00:00Z'],
  ['2023-10-27 10:00:00', '2023-10-27T10:00:00Z'],
  [' 2023-10-27 ', '2023-10-27T00:00:00Z'],
  ['0000-00-00', undefined],
  ['2023-00-10T10:00:00Z', undefined],
  ['2023-13-10T10:00:00Z', undefined],
  ['2023-10-00T10:00:00Z', undefined],
  ['2023-10-32T10:00:00Z', undefined],
  ['2023-10-27T25:00:00Z', undefined],
  ['2023-10-27T10:60:00Z', undefined],
  ['2023-10-27T10:00:60Z', undefined],
  ['2023-10-27T10:00:00Z\n', '2023-10-27T10:00:00Z'],
  ['yesterday', undefined],
  [undefined, undefined]
]

for (const [theirs, ours] of timestamps) {
  t.test(`${JSON.stringify(theirs)} is ${ours}`, async t => t.equal(toInstant(theirs), ours))
}
