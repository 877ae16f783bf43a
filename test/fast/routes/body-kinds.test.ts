import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('a body comes where it is wanted, as JSON and in bounds', async t => {
  const { post, send, asked } = await gateway(t)

  t.test('400 invalid-request when a GET has a body, and nothing is asked', async t => {
    fails(t, await send('GET', '/plans', { body: '{}' }), 400, 'invalid-request', {
      errors: [{ in: 'body', pointer: '', detail: 'must be absent' }]
    })
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when the body is empty, and nothing is asked', async t => {
    for (const headers of [{ 'content-type': 'application/json' }, {}]) {
      const reply = await send('POST', '/accounts', { headers })
      fails(t, reply, 400, 'invalid-request', { outcome: 'not-applied' })
      t.equal(reply.json().errors.length, 1)
      t.hasStrict(reply.json().errors[0], { in: 'body', pointer: '' })
    }
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when an operation that takes no body gets one, and nothing is asked', async t => {
    const headers = { 'confirm-delete': 's3_user_1', 'content-type': 'application/json' }
    const reply = await send('DELETE', '/accounts/s3_user_1', { headers, body: '{"s3uid":"s3_user_2"}' })
    fails(t, reply, 400, 'invalid-request', { errors: [{ in: 'body', pointer: '', detail: 'must be absent' }] })
    t.strictSame(asked(), [])
  })

  t.test('428, not 400, when a deletion names a type and sends no body', async t => {
    const reply = await send('DELETE', '/accounts/s3_user_1', { headers: { 'content-type': 'application/json' } })
    t.equal(reply.statusCode, 428, reply.text)
  })

  for (const type of [
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/merge-patch+json'
  ]) {
    t.test(`415 unsupported-media-type when the body is ${type}, and nothing is asked`, async t => {
      const options = { headers: { 'content-type': type } }
      const reply = await post('/accounts', '{"planId":1,"bucketName":"photos"}', options)
      fails(t, reply, 415, 'unsupported-media-type', { outcome: 'not-applied', retryable: false })
      t.strictSame(asked(), [])
    })
  }

  t.test('413 body-too-large when the body is larger than 16 KiB, and nothing is asked', async t => {
    const fat = (bytes: number) => `{"planId":1,"bucketName":"Photos"${' '.repeat(bytes - 34)}}`
    t.equal(fat(16_384).length, 16_384)
    fails(t, await post('/accounts', fat(16_384)), 400, 'invalid-request')
    fails(t, await post('/accounts', fat(16_385)), 413, 'body-too-large', { outcome: 'not-applied' })
    t.strictSame(asked(), [])
  })
})
