import t from 'tap'
import { gateway } from '../../support/harness/gateway.ts'

const ACCOUNT = '/accounts/s3_user_1'

t.test('DELETE /accounts/:s3uid', async t => {
  const { del, asked, sandbox } = await gateway(t)
  const confirmed = (name: string) => ({ headers: { 'confirm-delete': name } })
  const accounts = () => sandbox.control.state().accounts.map(({ s3uid }) => s3uid)
  const all = accounts()

  t.test('428 confirmation-required when the header is missing', async t => {
    const reply = await del(ACCOUNT)
    t.equal(reply.statusCode, 428)
    t.match(reply.json(), { type: /\/problems\/confirmation-required$/, status: 428, outcome: 'not-applied' })
  })

  t.test('428 confirmation-required when the header is empty', async t => {
    for (const empty of ['', ' ']) {
      const reply = await del(ACCOUNT, confirmed(empty))
      t.equal(reply.statusCode, 428)
      t.match(reply.json(), { type: /\/problems\/confirmation-required$/, outcome: 'not-applied' })
    }
  })

  t.test('412 confirmation-mismatch when the header names something else', async t => {
    const others = [
      's3_user_2',
      'S3_USER_1',
      's3_user_10',
      's3_user_',
      '"s3_user_1"',
      's3_user_1, s3_user_1',
      's3_user_1,s3_user_2',
      's3%5Fuser_1',
      '*',
      'true',
      'x'.repeat(65)
    ]
    for (const other of others) {
      const reply = await del(ACCOUNT, confirmed(other))
      t.equal(reply.statusCode, 412, other)
      t.match(reply.json(), { type: /\/problems\/confirmation-mismatch$/, status: 412, outcome: 'not-applied' })
    }
  })

  t.test('400 or 404 when the URL is not the account’s, whatever the header says', async t => {
    const targets = [
      `${ACCOUNT}/`,
      `${ACCOUNT}?confirm-delete=s3_user_1`,
      `${ACCOUNT}%2F`,
      `${ACCOUNT};x`,
      `${ACCOUNT}%00`
    ]
    for (const target of targets) {
      const reply = await del(target, confirmed('s3_user_1'))
      t.ok(reply.statusCode === 400 || reply.statusCode === 404, target)
    }
  })

  t.test('HOSTKEY has seen nothing of all this', async t => {
    t.strictSame(asked(), [])
    t.strictSame(accounts(), all)
  })

  t.test('404 account-not-found when it is another customer’s', async t => {
    const reply = await del('/accounts/s3_user_2', confirmed('s3_user_2'))
    t.match(reply.json(), { type: /\/problems\/account-not-found$/, status: 404 })
    t.strictSame(accounts(), all)
  })

  t.test('204 deletes the account when the header names it', async t => {
    sandbox.control.clearCalls()
    const reply = await del(ACCOUNT, confirmed('s3_user_1'))
    t.equal(reply.statusCode, 204, reply.text)
    t.equal(reply.text, '')
    t.strictSame(asked(), ['delete_account', 'info'], 'once, and whose the order of it was')
    t.strictSame(
      accounts(),
      all.filter(s3uid => s3uid !== 's3_user_1')
    )
  })
})
