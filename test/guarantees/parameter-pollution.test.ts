import t from 'tap'
import { actionNames, sampleRequest, sendSample } from '../support/harness/action-requests.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { bodiesOf, queriesOf } from './parameter-pollution.ts'

t.test('parameter-pollution: nothing is added to a call by what a client adds to a request', async t => {
  const figure = figuresOf(t, 'parameter-pollution')
  const { send, sandbox } = await gateway(t)
  const { control } = sandbox
  // An administrator may use every parameter.
  const token = control.tokenOf('admin')
  // Caches the customer of the token for a minute, so that HOSTKEY is not called again for it.
  await send('GET', '/accounts?email=a@example.com', { token })
  let sent = 0
  let refused = 0
  let calls = 0

  for (const action of actionNames) {
    const sample = sampleRequest(action)
    const { method, target, headers } = sample
    const own = sample.body && JSON.stringify(sample.body)

    /** Sends one polluted request. @returns what is wrong with its reply, or undefined */
    const faultOf = async (what: string, ask: Parameters<typeof send>, allowed: readonly number[]) => {
      control.clearCalls()
      const { statusCode, text } = await send(...ask)
      const asked = control.calls().map(call => call.action)
      sent += 1
      calls += asked.length
      const isRefused = allowed.includes(statusCode) && asked.length === 0
      refused += Number(isRefused)
      return isRefused ? undefined : { what: what.slice(0, 120), statusCode, asked, text: text.slice(0, 200) }
    }

    t.test(`${action}: 400 for additions to the query, without an upstream call`, async t => {
      const faults = []
      for (const polluted of queriesOf(sample)) {
        const options = { token, headers, ...(own !== undefined && { body: own }) }
        faults.push(await faultOf(polluted, [method, polluted, options], [400]))
      }
      t.strictSame(faults.filter(Boolean), [])
    })

    t.test(`${action}: 400, 415 or 422 for additions to the body, without an upstream call`, async t => {
      const faults = []
      for (const { type, text } of bodiesOf(sample)) {
        const options = { token, headers: { ...headers, 'content-type': type }, body: text }
        // 422: `invalid-bucket-name`.
        const allowed = type === 'application/json' || method === 'GET' ? [400, 422] : [415]
        faults.push(await faultOf(`${type} ${text}`, [method, target, options], allowed))
      }
      t.strictSame(faults.filter(Boolean), [])
    })
  }

  t.test('the same requests without an addition ask HOSTKEY for their action', async t => {
    for (const action of actionNames) {
      control.reset()
      const reply = await sendSample({ send }, action)
      t.ok(reply.statusCode < 300, `${action}: ${reply.text}`)
      t.ok(
        control.calls().some(call => call.action === action),
        action
      )
    }
  })

  t.test('figures', async t => {
    figure(`${refused} of ${sent} refused, over ${actionNames.length} actions; ${calls} calls upstream`)
    t.equal(refused, sent)
    t.ok(sent > 1000)
  })
})
