import t from 'tap'
import { madeBucket } from '../../src/upstream/buckets.ts'

const found = (listed: string[], before: string[] = []) =>
  madeBucket(
    listed.map(name => ({ name })),
    new Set(before),
    'photos'
  )?.name

t.test('the bucket that a create has made', async t => {
  t.equal(found(['logs', 'b0-photos', 'photos']), 'photos', 'the one of the wished name, before any with a prefix')
  t.equal(found(['logs', 'b0-photos']), 'b0-photos', 'else the new one with a prefix')
  t.equal(found(['a-photos', 'b0-photos'], ['a-photos']), 'b0-photos', 'not one that was there before')
  t.equal(found(['a-photos'], ['a-photos']), undefined)
  t.equal(found(['a-photos', 'b0-photos']), undefined, 'nobody knows which of two')
  for (const other of ['b0-photos-old', 'myphotos', 'photos-b0']) {
    t.equal(found([other]), undefined, `${other} merely holds the name`)
  }
})
