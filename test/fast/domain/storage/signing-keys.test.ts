import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { createSealer } from '../../../../src/auth/seal.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createSigningKeys } from '../../../../src/domain/storage/signing-keys.ts'

const sealer = createSealer([new Secret('s'.repeat(32))])
const kept = { key: 'a2V5', endpoint: 'https://s3.example.com', region: 'nl' }

t.test('a key is found for its account, day and access key alone', async t => {
  const keys = createSigningKeys(sealer)
  keys.keep('s3_user_1', '20261130', 'OLD', kept)
  t.strictSame(keys.find('s3_user_1', '20261130', 'OLD'), kept)
  t.equal(keys.find('s3_user_1', '20261201', 'OLD'), undefined, 'another day')
  t.equal(keys.find('s3_user_2', '20261130', 'OLD'), undefined, 'another account')
  t.equal(keys.find('s3_user_1', '20261130', 'NEW'), undefined, 'another access key: the pair was replaced')
  keys.keep('s3_user_1', '20261130', 'NEW', { ...kept, key: 'bmV3' })
  t.equal(keys.find('s3_user_1', '20261130', 'OLD'), undefined)
})

t.test('keys are bounded in number and in time', async t => {
  const keys = createSigningKeys(sealer, 20, 2)
  for (const s3uid of ['a', 'b', 'c']) keys.keep(s3uid, '20261130', 'KEY', kept)
  t.strictSame(
    ['a', 'b', 'c'].map(s3uid => keys.find(s3uid, '20261130', 'KEY') !== undefined),
    [false, true, true]
  )
  await pause(60)
  t.equal(keys.find('c', '20261130', 'KEY'), undefined)
})
