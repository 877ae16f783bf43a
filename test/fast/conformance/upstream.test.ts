import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createCall } from '../../../conformance/upstream/call.ts'
import { type Behaviours, type Fault, hashToken, type Sandbox, startSandbox } from '../../../src/sandbox/index.ts'
import { actions } from '../../../src/upstream/actions/index.ts'
import { login, logout, passwordLogin } from '../../../src/upstream/actions/sessions.ts'
import { conformance, startTamperingProxy } from './run.ts'

const FAST = ['--rate', '1000']
const READ_ACTIONS = ['get_buckets', 'get_buckets_rmq', 'get_files', 'get_users', 'history', 'info', 'list_plans']

const sandboxFor = async (
  t: { after(end: () => Promise<void>): unknown },
  behaviours: Partial<Behaviours> = {}
): Promise<Sandbox> => {
  const sandbox = await startSandbox({ behaviours })
  t.after(() => sandbox.close())
  return sandbox
}

t.test('the sandbox replies as declared; the suite only reads, and prints no data of the customer', async t => {
  const sandbox = await sandboxFor(t)
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'))
  t.after(async () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'drift.json')
  const { code, output } = await conformance(['--upstream', sandbox.url, '--json', file, ...FAST], { sandbox })
  t.equal(code, 0, output)
  t.match(output, /No drift\./)
  t.match(output, /\n\d\d passed, 0 failed, 0 drifted \(1 not checked\)\n$/)
  const {
    cancel_payment_account_deletion: withdrawals,
    no_such_action: invented,
    ...reads
  } = sandbox.control.counters()
  t.same(Object.keys(reads).sort(), READ_ACTIONS, 'only read actions are called')
  t.same([withdrawals, invented], [1, 1])
  const asked = sandbox.control.calls().filter(({ action }) => action.includes('payment_account'))
  for (const { fields } of asked) {
    t.notOk('s3uid' in fields, 'without an account')
    t.not(fields['token'], hashToken(sandbox.demo.token), 'and without the token of the customer')
  }
  t.notMatch(output, /s3_user_1|example\.com|holiday|IMG_/, 'no value of the customer is printed')
  const json = JSON.parse(readFileSync(file, 'utf8'))
  t.match(json, { target: 'upstream', profile: 'read-only', summary: { fail: 0, drift: 0 }, drift: [] })
  t.ok(
    json.facts.some(
      ({ question, seen }: Record<string, string>) => question === 'does get_buckets exist' && seen === 'yes'
    )
  )
  t.notOk(readFileSync(file, 'utf8').includes(sandbox.demo.token))
})

t.test('an action that does more than read cannot be called', async t => {
  let sent = 0
  const sender = {
    count: () => sent,
    send: async () => {
      sent += 1
      return { status: 200, headers: {}, text: '', ms: 0 }
    }
  }
  const call = createCall(sender, 'token', false)
  const others = [...Object.values(actions), login, logout, passwordLogin].filter(
    ({ name }) => !READ_ACTIONS.includes(name)
  )
  t.ok(others.length > 0)
  for (const action of others) await t.rejects(call(action), /does more than read/)
  t.equal(sent, 0)
})

/** A sandbox that differs from the declarations, and the lines that must report it. */
interface Deviation {
  name: string
  behaviours?: Partial<Behaviours>
  faults?: Fault[]
  drifts?: RegExp[]
  facts?: RegExp[]
  /** Exit code; 1 where something drifts. */
  code?: number
}

const deviations: Deviation[] = [
  {
    name: 'numbers as text, new fields and other dates',
    faults: [{ kind: 'ints-as-strings' }, { kind: 'extra-fields' }, { kind: 'sql-dates' }],
    drifts: [
      /list_plans the plans: plans\[\]\.quota: declared number, seen number as text, 3 times \(coerced\)/,
      /get_users the accounts: s3_users\[\]\.x_new: declared nothing, seen string \(harmless\)/,
      /get_files a page: files\[\]\.last_modified: .*date in another format, 94 times/
    ]
  },
  {
    name: 'other PHP forms of lists',
    faults: [{ kind: 'list-as-numeric-object' }, { kind: 'null-lists' }],
    drifts: [
      /get_buckets the buckets: message: declared array, seen object with numeric names/,
      /folders: declared array, seen null/
    ]
  },
  {
    name: 'single elements, comma-separated text, codes as text',
    faults: [{ kind: 'single-instead-of-list' }, { kind: 'locations-as-comma-string' }, { kind: 'code-as-string' }],
    drifts: [
      /plans\[\]\.locations: .*comma-separated text, 3 times/,
      /get_users the accounts: s3_users: .*single element/,
      /history of an unknown plan: refusal: .*negative number as text/
    ]
  },
  {
    name: 'no get_buckets',
    behaviours: { getBuckets: 'absent' },
    drifts: [
      /get_buckets the buckets: response: declared a success, seen refusal .*"s3\/get_buckets: invalid request" \(breaking\)/
    ],
    facts: [/does get_buckets exist +no, or not for this account/]
  },
  {
    name: 'get_buckets with the key pair',
    behaviours: { getBuckets: 'withKeys' },
    drifts: [/get_buckets the buckets: access_key: declared nothing, seen string/]
  },
  {
    name: 'undocumented behaviour is a fact, not drift',
    behaviours: {
      authFailure: 'http-401',
      terminations: 'absent',
      rmq: 'callback',
      nextTokenEnd: 'empty',
      searchMode: 'prefix',
      searchCase: 'sensitive',
      contentType: 'application/json'
    },
    facts: [
      /next_token at the end of a list +""/,
      /get_buckets_rmq reply immediately +no: by a callback/,
      /search +the start of the path/,
      /does cancel_payment_account_deletion exist +no: refused like an invented action/,
      /list_plans with an invalid token +HTTP 401/,
      /Content-Type of the responses +application\/json/
    ],
    code: 0
  },
  {
    name: 'other ends of lists, other lists',
    behaviours: { authFailure: 'code-2', nextTokenEnd: 'absent', listing: 'flat', displayKey: 'basename' },
    facts: [
      /next_token at the end of a list +absent/,
      /invalid token +HTTP 200, \{"code":negative number,"message":text\}: "Invalid token"/,
      /list without search by folder +[1-9]\d* of \d+ files have a slash/,
      /key and original_key +equal in \d+ of 100/
    ],
    code: 0
  },
  {
    name: 'refusals with HTTP 400',
    behaviours: { refusalStatus: 400 },
    drifts: [/history of an unknown plan: HTTP status: declared 200, seen 400/]
  },
  {
    name: 'other texts, HTML pages and throttling',
    faults: [
      { kind: 'refusal', action: 'history', after: 1, text: 'Nope, 12345 of demo@example.com' },
      { kind: 'html-200', action: 'get_buckets_rmq', count: 1 },
      { kind: 'throttled', action: 'list_plans', count: 1 },
      { kind: 'empty-200', action: 'get_files', count: 1 }
    ],
    drifts: [
      /history of an unknown plan: text of the refusal: declared plan-not-found, seen "Nope, \[number\] of \[address\]", which matches no failure/,
      /get_buckets_rmq the usage: response: declared a JSON object, seen an HTML page/,
      /list_plans the plans: HTTP status: declared 200, seen 429/,
      /get_files a page: response: declared a JSON object, seen an empty body/
    ],
    facts: [/rate limits +throttled/]
  }
]

for (const { name, behaviours = {}, faults = [], drifts = [], facts = [], code = 1 } of deviations) {
  t.test(`drift: ${name}`, async t => {
    const sandbox = await sandboxFor(t, behaviours)
    for (const fault of faults) sandbox.control.fault(fault)
    const run = await conformance(['--upstream', sandbox.url, ...FAST], { sandbox })
    t.equal(run.code, code, run.output)
    for (const line of drifts)
      t.ok(
        run.lines('drift').some(text => line.test(text)),
        `${line}\n${run.output}`
      )
    for (const fact of facts) t.match(run.output, fact)
    if (drifts.length > 0) t.match(run.output, /\naction +member +declared +seen +effect\n/)
    t.notMatch(run.output, /demo@example/)
  })
}

t.test('drift: missing members, other types, another action', async t => {
  const sandbox = await sandboxFor(t)
  const url = await startTamperingProxy(t, sandbox.url, (reply, { form }) => {
    const changes: Record<string, [RegExp, string]> = {
      get_users: [/"(s3uid)":"[^"]*",|"quota":\d+,/g, ''],
      list_plans: [/"active":1/g, '"active":{"holiday pictures":1}'],
      history: [/"action":"history"/, '"action":"other"']
    }
    const [pattern, instead] = changes[form.get('action') ?? ''] ?? [/$^/, '']
    reply.text = reply.text.replace(pattern, instead)
  })
  const { code, lines, output } = await conformance(['--upstream', url, ...FAST], { sandbox })
  t.equal(code, 1)
  const drift = lines('drift').join('\n')
  t.match(drift, /s3_users\[\]\.s3uid: declared a member, seen missing \(breaking\)/)
  t.match(drift, /s3_users\[\]\.quota: declared a member, seen missing \(harmless\)/)
  t.match(drift, /plans\[\]\.active: declared integer, seen object, 3 times \(breaking\)/)
  t.match(drift, /history the history of a plan: action: declared the name of the action/)
  t.notMatch(output, /holiday/)
})

t.test('an invalid token and an unreachable address are failures', async t => {
  const sandbox = await sandboxFor(t)
  const refused = await conformance(['--upstream', sandbox.url, '--token', 'f'.repeat(32)])
  t.equal(refused.code, 1)
  t.match(refused.lines('fail').join('\n'), /auth\/info: the token is not accepted: "Invalid hash"/)
  t.notMatch(refused.output, /f{32}/)
  const unreachable = await conformance(['--upstream', 'http://127.0.0.1:9/', '--token', 'x'])
  t.equal(unreachable.code, 1)
  t.match(unreachable.lines('fail').join('\n'), /ends early: the connection failed \(ECONNREFUSED\)/)
})

t.test('it respects the limits of requests and rate', async t => {
  const sandbox = await sandboxFor(t)
  const { code, lines } = await conformance(['--upstream', sandbox.url, '--max-requests', '5', '--rate', '5'], {
    sandbox
  })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /not sent: the limit of 5 requests/)
  const at = sandbox.control.calls().map(call => call.at)
  t.equal(at.length, 5)
  // Four intervals of 200 ms, less the latency of the first request.
  t.ok((at.at(-1) ?? 0) - (at[0] ?? 0) > 700, `${at}`)
})

t.test('a request to a hanging upstream times out', async t => {
  const sandbox = await sandboxFor(t)
  sandbox.control.fault({ kind: 'hang', action: 'list_plans' })
  const { code, lines } = await conformance(['--upstream', sandbox.url, '--timeout', '0.3', ...FAST], { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /no response within 0\.3 s/)
})

t.test('the token is read from a file; keys are read only with --read-keys', async t => {
  const sandbox = await sandboxFor(t)
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'))
  t.after(async () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, `${sandbox.demo.token}\n`)
  const args = ['--upstream', sandbox.url, '--token-file', file, '--read-keys', ...FAST]
  const { code, lines } = await conformance(args, { sandbox, env: { HOSTKEY_TOKEN: '' } })
  t.equal(code, 0)
  t.match(lines('pass').join('\n'), /s3\/show_key the access key \(not printed\)/)
  t.equal(sandbox.control.counters()['show_key'], 1)
})
