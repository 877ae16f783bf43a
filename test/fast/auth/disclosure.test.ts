import t from 'tap'
import { gateway } from '../../support/harness/gateway.ts'

t.test('what a caller learns about others', async t => {
  const { send, get, sandbox } = await gateway(t)
  const { control } = sandbox

  t.test('an account of another customer is answered like one that does not exist, after the same calls', async t => {
    const answer = async (s3uid: string, method: string, rest: string) => {
      control.clearCalls()
      const options = { headers: { 'confirm-delete': s3uid }, ...(method === 'POST' && { body: { name: 'photos' } }) }
      const { statusCode, text } = await send(method, `/accounts/${s3uid}${rest}`, options)
      const { instance: _, ...body } = JSON.parse(text)
      return { statusCode, body, actions: control.calls().map(({ action }) => action) }
    }
    await get('/accounts/s3_user_1/keys/access-key')
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/buckets'],
      ['POST', '/buckets'],
      ['GET', '/buckets/logs/files'],
      ['DELETE', '/buckets/logs'],
      ['GET', '/usage'],
      ['GET', '/keys/secret-key'],
      ['DELETE', '']
    ] as const) {
      t.strictSame(
        await answer('s3_user_2', method, rest),
        await answer('s3_user_9', method, rest),
        `${method} ${rest}`
      )
    }
  })

  t.test('200, and not 304, for the ETag of another caller', async t => {
    const { etag = '' } = (await get('/plans')).headers
    const other = { token: control.tokenOf('other'), headers: { 'if-none-match': etag } }
    t.equal((await get('/plans', other)).statusCode, 200)
    t.equal((await get('/plans', { headers: { 'if-none-match': etag } })).statusCode, 304)
  })
})
