import t from 'tap'
import { refuse } from '../../../src/sandbox/refusal.ts'
import { rules } from '../../../src/sandbox/rules/index.ts'
import { createAccount } from '../../../src/upstream/actions/accounts.ts'
import { createBucket } from '../../../src/upstream/actions/buckets.ts'
import { actions } from '../../../src/upstream/actions/index.ts'

t.test('refuse uses the text of the declaration, and accepts only declared problems', async t => {
  t.equal(refuse(createBucket, 'bucket-exists').text, createBucket.failures['bucket-exists'].example)
  t.equal(
    refuse(createAccount, 'account-state-unknown', 'why $& not').text,
    'S3 account was created, but had an error: why $& not'
  )
  // @ts-expect-error create_bucket declares no such failure
  t.throws(() => refuse(createBucket, 'file-not-found'), TypeError)
})

t.test('every declared action has a rule', async t => {
  t.strictSame(Object.keys(rules).sort(), Object.keys(actions).sort())
})
