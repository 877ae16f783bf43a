import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { SessionRecords } from '../../../src/auth/session-records.ts'
import { createSessions } from '../../../src/auth/sessions.ts'
import { Secret } from '../../../src/core/secret.ts'
import { StoreUnavailable } from '../../../src/store/index.ts'
import type { Auth } from '../../../src/upstream/auth.ts'
import { contextOf } from '../../support/harness/contexts.ts'

t.test('the token of a login that cannot be stored is revoked, unless the caller brought it', async t => {
  const token = new Secret('issued')
  const revoked: string[] = []
  const auth: Auth = {
    grant: async () => ({ token, identity: {} }),
    identify: async () => ({}),
    revoke: async token => void revoked.push(token.reveal())
  }
  const records: SessionRecords = {
    create: () => Promise.reject(new StoreUnavailable('down')),
    open: async () => ({ session: undefined, counts: [] }),
    remove: async () => undefined,
    removeAll: async () => 0,
    list: async () => [],
    removeOne: async () => false
  }
  const sessions = createSessions({
    auth,
    records,
    revocation: { onRevoked: () => undefined, onFailed: () => t.fail('the revocation failed') }
  })
  const options = { context: contextOf(), shownCookie: undefined }
  await t.rejects(sessions.logIn({ token }, options), StoreUnavailable)
  await setImmediate()
  t.same(revoked, [])
  await t.rejects(sessions.logIn({ apiKey: new Secret('key') }, options), StoreUnavailable)
  await setImmediate()
  t.same(revoked, ['issued'])
})
