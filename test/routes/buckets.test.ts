import t from 'tap'
import { gateway } from '../support/gateway.ts'

t.test('GET /accounts/:s3uid/buckets', async t => {
  const { get, asked } = await gateway(t)

  t.test('200 lists the buckets', async t => {
    const reply = await get('/accounts/s3_user_1/buckets')
    t.equal(reply.statusCode, 200)
    t.same(
      reply.json().items.map(({ name }: { name: string }) => name),
      ['holiday-pictures', 'empty-bucket', 'logs']
    )
    t.same(asked(), ['get_buckets'])
  })

  t.test('404 account-not-found when it is another customer’s', async t => {
    const reply = await get('/accounts/s3_user_2/buckets')
    t.equal(reply.statusCode, 404)
    t.match(reply.json(), { type: /\/problems\/account-not-found$/, status: 404, instance: String })
  })
})

t.test('POST /accounts/:s3uid/buckets', async t => {
  const { post, sandbox } = await gateway(t)

  t.test('201 creates the bucket and says where it is', async t => {
    const reply = await post('/accounts/s3_user_1/buckets', { name: 'photos' })
    t.equal(reply.statusCode, 201, reply.text)
    t.equal(reply.headers['location'], '/accounts/s3_user_1/buckets/photos')
  })

  t.test('409 bucket-exists when the name is taken', async t => {
    const reply = await post('/accounts/s3_user_1/buckets', { name: 'photos' })
    t.match(reply.json(), { type: /\/problems\/bucket-exists$/, status: 409, outcome: 'not-applied' })
  })

  t.test('201 under the actual name when HOSTKEY puts a prefix before it', async t => {
    sandbox.control.set({ bucketPrefix: 'on' })
    const reply = await post('/accounts/s3_user_1/buckets', { name: 'music' })
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json().name, /^b[0-9a-f]{8}-music$/)
    t.equal(reply.headers['location'], `/accounts/s3_user_1/buckets/${reply.json().name}`)
  })
})
