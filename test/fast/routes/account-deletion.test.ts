import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const ACCOUNT = '/accounts/s3_user_1'

t.test('DELETE /accounts/:s3uid', async t => {
  const { del, asked, sandbox } = await gateway(t)
  const confirmed = (name: string) => ({ headers: { 'confirm-delete': name } })
  const accounts = () => sandbox.control.state().accounts.map(({ s3uid }) => s3uid)
  const all = accounts()

  t.test('428 confirmation-required when the header is missing or empty', async t => {
    for (const options of [undefined, confirmed(''), confirmed(' ')]) {
      fails(t, await del(ACCOUNT, options), 428, 'confirmation-required', { outcome: 'not-applied' })
    }
  })

  t.test('412 confirmation-mismatch when the header is not exactly the account', async t => {
    for (const other of [
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
    ]) {
      fails(t, await del(ACCOUNT, confirmed(other)), 412, 'confirmation-mismatch', { outcome: 'not-applied' })
    }
  })

  t.test('400 or 404 when the URL is not exactly that of the account, with any header', async t => {
    const query = '?confirm-delete=s3_user_1'
    for (const suffix of ['/', query, '%2F', ';x', '%00']) {
      const { statusCode } = await del(`${ACCOUNT}${suffix}`, confirmed('s3_user_1'))
      t.ok(statusCode === 400 || statusCode === 404, suffix)
    }
  })

  t.test('none of these requests reaches HOSTKEY', async t => {
    t.strictSame(asked(), [])
    t.strictSame(accounts(), all)
  })

  t.test('404 account-not-found when the account is another customer’s', async t => {
    fails(t, await del('/accounts/s3_user_2', confirmed('s3_user_2')), 404, 'account-not-found')
    t.strictSame(accounts(), all)
  })

  t.test('204 deletes the account when the header names it', async t => {
    sandbox.control.clearCalls()
    succeeds(t, await del(ACCOUNT, confirmed('s3_user_1')), 204, '')
    t.strictSame(asked(), ['delete_account', 'info'], 'once; info names the customer whose order it was')
    t.strictSame(
      accounts(),
      all.filter(s3uid => s3uid !== 's3_user_1')
    )
  })
})
