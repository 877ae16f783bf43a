import t from 'tap'
import { createClient, isProblem, messages } from '../../../client/src/index.ts'
import { faultCodes, problemNames } from '../../../schemas/problems.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { failureOf } from './failure.ts'

t.test('every problem and every code of a fault has a sentence, without words from inside', t => {
  t.strictSame(Object.keys(messages.problems).sort(), [...problemNames, 'unknown-problem'].sort())
  t.strictSame(Object.keys(messages.fields).sort(), [...faultCodes].sort())
  for (const sentence of [...Object.values(messages.problems), ...Object.values(messages.fields)]) {
    t.match(sentence, /^[A-Z][^`{}<>\\^$]+[.]$/)
    t.notMatch(sentence, /HOSTKEY|gateway|upstream|token|PHP|JSON|HTTP|header|pattern/)
  }
  t.end()
})

t.test('the message of a problem and of its faults', async t => {
  const { url, sandbox } = await gateway(t)
  const options = { baseUrl: url, token: sandbox.demo.token }
  const path = { params: { path: { s3uid: 's3_user_1' } } }
  const wrong = (client: ReturnType<typeof createClient>) =>
    failureOf(client.POST('/accounts/{s3uid}/buckets', { ...path, body: { name: 'Not allowed' } }))

  t.test('is the sentence of the table; `detail` is the gateway’s', async t => {
    const error = await wrong(createClient(options))
    if (!isProblem(error, 'invalid-bucket-name')) throw error
    t.equal(error.message, messages.problems['invalid-bucket-name'])
    t.match(error.detail, /name of the bucket/)
    t.match(error.errors, [{ code: 'pattern', message: messages.fields.pattern }])
    t.notMatch(JSON.stringify(error.errors), /\[a-z|\\u|\^/, 'no pattern')
  })

  t.test('is replaced by another language, as far as that goes', async t => {
    const german = { problems: { 'invalid-bucket-name': 'Dieser Name ist nicht erlaubt.' } }
    const client = createClient({ ...options, messages: german })
    t.equal(((await wrong(client)) as Error).message, german.problems['invalid-bucket-name'])
    const missing = await failureOf(client.GET('/accounts/{s3uid}/buckets', { params: { path: { s3uid: 'none' } } }))
    t.equal((missing as Error).message, messages.problems['account-not-found'])
  })
})

t.test('baseUrl', t => {
  t.throws(() => createClient({ baseUrl: 'localhost:8080' }), { message: /must begin with http/ })
  t.throws(() => createClient({ baseUrl: '/api' }), { message: /is not a URL/ }, 'a path, outside a page')
  t.end()
})
