import t from 'tap'
import { describeStatus, type Envelope, encodeForm, openEnvelope } from '../../../../src/upstream/protocol/envelope.ts'

/** Answers of HOSTKEY and how they are read; the shapes are in docs/explanation/vendor-behaviour.md. */
const envelopes: [name: string, body: string, kind: Envelope['kind'], text?: string][] = [
  ['OK with an action', '{"result":"OK","action":"get_files","files":[]}', 'success'],
  [
    'a message that is text',
    '{"result":"OK","action":"delete_bucket","message":"Bucket deleted successfully"}',
    'success'
  ],
  ['with a message that is null', '{"result":"OK","action":"delete_account","message":null}', 'success'],
  ['code 0 beside result OK', '{"result":"OK","code":0}', 'success'],
  ['OK with a module', '{"result":"OK","module":"api_keys","action":"list"}', 'success'],
  ['success', '{"result":"success"}', 'success'],
  ['a task', '{"result":"OK","callback":"abcdefghijklmnopqrstuvwxyz012345"}', 'success'],
  ['not ready', '{"result":"Not ready","key":"x"}', 'pending'],
  ['code -1', '{"code":-1,"message":"Plan not found"}', 'failure', 'Plan not found'],
  ['code "-1"', '{"code":"-1","message":"Plan not found"}', 'failure', 'Plan not found'],
  ['code -1 beside result OK', '{"result":"OK","code":-1,"message":"no"}', 'failure', 'no'],
  ['with spaces around its words', '{"code":-1,"message":"  no  "}', 'failure', 'no'],
  ['with a key', '{"code":-1,"message":"AsyncKey not found","key":"x"}', 'failure', 'AsyncKey not found'],
  ['with a description', '{"code":-1,"message":"no","description":"why"}', 'failure', 'no'],
  ['result -1', '{"result":-1,"error":"Incorrect API key format"}', 'failure', 'Incorrect API key format'],
  ['result -2', '{"result":-2,"error":"Invalid hash"}', 'failure', 'Invalid hash'],
  ['result "-2"', '{"result":"-2","error":"Invalid hash"}', 'failure', 'Invalid hash'],
  [
    'a code in words',
    '{"result":-1,"error":"No appropriate servers found","code":"NO_APPROPRIATE_SERVERS"}',
    'failure',
    'No appropriate servers found'
  ],
  ['result "-12" without words', '{"result":"-12"}', 'failure', ''],
  ['a code in words alone', '{"code":"NO_APPROPRIATE_SERVERS","message":"no"}', 'failure', 'no'],
  ['code -2', '{"code":-2,"message":"Permission denied"}', 'failure', 'Permission denied'],
  ['error without a reason', '{"result":"error"}', 'failure', ''],
  ['Error', '{"result":"Error","message":"no"}', 'failure', 'no'],
  ['Fail', '{"result":"Fail"}', 'failure', ''],
  ['failed', '{"result":"failed"}', 'failure', ''],
  ['ERROR', '{"result":"ERROR"}', 'failure', ''],
  ['an error alone', '{"error":"no"}', 'failure', 'no'],
  ['code 1', '{"code":1,"error":"no"}', 'failure', 'no'],
  ['code "1"', '{"code":"1","message":"no"}', 'failure', 'no'],
  ['code 1 without an error', '{"code":1,"message":"no"}', 'failure', 'no'],
  ['error before message', '{"code":-1,"error":"first","message":"second"}', 'failure', 'first'],
  ['a message that is no text', '{"code":-1,"message":[]}', 'failure', ''],
  ['a web page', '<html><body>HOSTKEY</body></html>', 'unreadable'],
  ['nothing', '', 'unreadable'],
  ['blanks', ' \r\n', 'unreadable'],
  ['a warning before the JSON', '<br />\n<b>Warning</b>: x<br />\n{"result":"OK"}', 'unreadable'],
  ['JSON cut off', '{"result":"OK","files":[', 'unreadable'],
  ['JSON twice', '{"result":"OK"}{"result":"OK"}', 'unreadable'],
  ['a list', '[{"result":"OK"}]', 'unreadable'],
  ['null', 'null', 'unreadable'],
  ['a number', '1', 'unreadable'],
  ['a text', '"OK"', 'unreadable'],
  ['no verdict', '{"message":"Bucket deleted successfully"}', 'unreadable'],
  ['an unknown verdict', '{"result":"maybe"}', 'unreadable'],
  ['code 0 alone', '{"code":0,"message":"x"}', 'unreadable'],
  ['code "0" alone', '{"code":"0","message":"x"}', 'unreadable'],
  ['a code that is a list', '{"code":[5]}', 'unreadable'],
  ['a verdict that is a list', '{"result":["ok"]}', 'unreadable'],
  ['a negative number in a list', '{"result":[-1]}', 'unreadable'],
  ['more than a negative number', '{"result":"-1x"}', 'unreadable'],
  ['a negative number behind something', '{"result":"x-1"}', 'unreadable'],
  ['a dash before a word', '{"result":"-x"}', 'unreadable'],
  ['more than OK', '{"result":"okay"}', 'unreadable'],
  ['OK behind something', '{"result":"not ok"}', 'unreadable'],
  ['more than error', '{"result":"errors"}', 'unreadable'],
  ['an error behind something', '{"result":"no error"}', 'unreadable'],
  ['more than not ready', '{"result":"not ready yet"}', 'unreadable'],
  ['not ready behind something', '{"result":"is not ready"}', 'unreadable'],
  ['result true', '{"result":true}', 'unreadable'],
  ['result 1', '{"result":1}', 'unreadable'],
  ['result 0 with a token, of s3.php', '{"result":0,"token":"x"}', 'unreadable'],
  ['a payload as result, of s3.php', '{"result":{"token":"x"}}', 'unreadable'],
  ['half of a character', '{"result":"OK","message":"\\ud83d"}', 'unreadable'],
  ['the other half', '{"result":"OK","message":"\\ude00 x"}', 'unreadable'],
  ['half of a character in a name', '{"result":"OK","\\ud83d":1}', 'unreadable'],
  ['a whole character, as PHP escapes it', '{"result":"OK","message":"\\ud83d\\ude00"}', 'success'],
  ['a backslash before what looks like half of one', '{"result":"OK","message":"\\\\ud83d"}', 'success'],
  ['slashes as PHP escapes them', '{"result":"OK","message":"a\\/b"}', 'success'],
  ['a byte order mark', '\ufeff{"result":"OK"}', 'success'],
  ['two byte order marks', '\ufeff\ufeff{"result":"OK"}', 'success'],
  ['blanks around', '\n {"result":"OK"} \n', 'success'],
  ['a lower case ok', '{"result":"ok"}', 'success']
]

t.test('openEnvelope distinguishes failure and success by result and code alone', async t => {
  for (const [name, body, kind, text] of envelopes) {
    const envelope = openEnvelope(body, 's3.php')
    t.equal(envelope.kind, kind, name)
    if (envelope.kind === 'failure') t.equal(envelope.text, text, name)
  }
})

t.test('openEnvelope returns a textual code separately', async t => {
  const body = '{"result":-1,"error":"No appropriate servers found","code":"NO_APPROPRIATE_SERVERS"}'
  t.match(openEnvelope(body, 'auth.php'), { kind: 'failure', code: 'NO_APPROPRIATE_SERVERS' })
  const codeOf = (code: unknown) => openEnvelope(JSON.stringify({ code }), 's3.php')
  for (const code of ['E1', '1E', '-x']) t.match(codeOf(code), { kind: 'failure', code })
  for (const code of ['12', '-12', 7]) t.strictSame(codeOf(code), { kind: 'failure', text: '', code: undefined })
})

t.test('openEnvelope does not change the payload', async t => {
  const payload = { result: 'OK', name: '\ufeffa\ufeff' }
  t.strictSame(openEnvelope(JSON.stringify(payload), 's3.php'), { kind: 'success', payload })
})

t.test('describeStatus adds the name of a status if it has one', async t => {
  t.equal(describeStatus(502), 'HTTP 502 Bad Gateway')
  t.equal(describeStatus(599), 'HTTP 599')
})

t.test('openEnvelope reads the shapes of auth.php', async t => {
  const payload = { token: 'x', token_expire: 1 }
  t.strictSame(
    openEnvelope('{"result":{"token":"x","token_expire":1}}', 'auth.php'),
    { kind: 'success', payload },
    'payload in result'
  )
  t.strictSame(openEnvelope('{"token":"x","token_expire":1}', 'auth.php'), { kind: 'success', payload }, 'bare token')
  t.hasStrict(openEnvelope('{"result":0,"token":"x"}', 'auth.php'), { kind: 'success' })
  t.hasStrict(openEnvelope('{"result":null,"token":"x"}', 'auth.php'), { kind: 'success' })
  for (const body of [
    '{"result":{"code":-1,"message":"no"}}',
    '{"result":{"error":"no"}}',
    '{"result":{"token":"x","error":"no"}}'
  ]) {
    t.match(openEnvelope(body, 'auth.php'), { kind: 'failure', text: 'no' }, body)
  }
  t.equal(openEnvelope('{"token":""}', 'auth.php').kind, 'unreadable')
  t.equal(openEnvelope('{"result":[]}', 'auth.php').kind, 'unreadable')
})

t.test('openEnvelope gives the reason for an unreadable answer, without quoting it', async t => {
  const reasonOf = (body: string) => {
    const envelope = openEnvelope(body, 's3.php')
    return envelope.kind === 'unreadable' ? envelope.reason : ''
  }
  t.match(reasonOf(''), /empty body.*UTF-8/)
  t.match(reasonOf(' \n'), /empty body/)
  t.match(reasonOf('"OK"'), /^no JSON object$/)
  t.match(reasonOf('\n<html>secret</html>'), /^a web page/)
  t.match(reasonOf('<html>secret</html>'), /^a web page/)
  t.match(reasonOf('secret'), /^no JSON object$/)
  t.match(reasonOf('{"secret":1}'), /^neither a success nor a failure$/)
})

t.test('encodeForm', async t => {
  t.test('encodes each field once, in order; decoding gives the same text', async t => {
    const text = ' a+b&c=d%20e?#ä\u{1f600}\u0000\r\n;'
    const form = encodeForm([
      ['action', 'delete_file'],
      ['filename', text],
      ['max_keys', 7]
    ])
    t.strictSame(
      [...new URLSearchParams(form)],
      [
        ['action', 'delete_file'],
        ['filename', text],
        ['max_keys', '7']
      ]
    )
    t.match(form, /^[!-~]+$/)
  })

  t.test('throws for a value that PHP would read differently', async t => {
    for (const value of ['\ud800', 'a\udc00', Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 53]) {
      t.throws(() => encodeForm([['x', value]]), TypeError)
    }
  })
})
