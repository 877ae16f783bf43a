import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('a path is text, read strictly', async t => {
  const { get, asked } = await gateway(t)

  for (const s3uid of [
    '',
    'a'.repeat(65),
    'a.b',
    'a%20b',
    '%00',
    'a%2Fb',
    'caf%C3%A9',
    '%22',
    'a;b',
    '*',
    'a'.repeat(2000)
  ]) {
    t.test(`400 invalid-request for the account ${s3uid.slice(0, 70)}, and nothing is asked`, async t => {
      const reply = await get(`/accounts/${s3uid}`)
      fails(t, reply, 400, 'invalid-request')
      t.match(reply.json().errors, [{ in: 'path', parameter: 's3uid' }])
      t.strictSame(asked(), [])
    })
  }

  for (const bucket of ['a%00b', '%7F', `${'b'.repeat(256)}`, 'a%2Fb']) {
    t.test(`400 invalid-request for the bucket ${bucket.slice(0, 20)}, and nothing is asked`, async t => {
      const reply = await get(`/accounts/s3_user_1/buckets/${bucket}/files`)
      fails(t, reply, 400, 'invalid-request')
      t.match(reply.json().errors, [{ in: 'path', parameter: 'bucket' }])
      t.strictSame(asked(), [])
    })
  }

  for (const s3uid of ['%', '%zz', '%E9', '%C0%80', '%ED%A0%80']) {
    t.test(`400 malformed-url for the account ${s3uid}, and nothing is asked`, async t => {
      fails(t, await get(`/accounts/${s3uid}`), 400, 'malformed-url')
      t.strictSame(asked(), [])
    })
  }

  t.test('414 uri-too-long for an account of thousands of characters, and nothing is asked', async t => {
    fails(t, await get(`/accounts/${'a'.repeat(5000)}`), 414, 'uri-too-long')
    fails(t, await get(`/accounts?s3uid=${'a'.repeat(8192)}`), 414, 'uri-too-long')
    t.strictSame(asked(), [])
  })
})
