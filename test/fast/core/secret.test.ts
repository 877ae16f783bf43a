import { inspect } from 'node:util'
import t from 'tap'
import { Secret, scrubbed } from '../../../src/core/secret.ts'

const TOKEN = '0123456789abcdef'.repeat(2)

t.test('a secret is readable by reveal() alone', async t => {
  const secret = new Secret(TOKEN)
  t.equal(secret.reveal(), TOKEN)
  for (const shown of [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), secret.fingerprint()]) {
    t.notMatch(shown, TOKEN.slice(0, 8))
  }
  t.equal(`${secret}`, '[redacted]')
  t.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}')
  t.match(inspect({ secret }), '[redacted]')
})

t.test('the fingerprint depends on the secret', async t => {
  t.match(new Secret('a').fingerprint(), /^[0-9a-f]{16}$/)
  t.equal(new Secret('a').fingerprint(), new Secret('a').fingerprint())
  t.not(new Secret('a').fingerprint(), new Secret('b').fingerprint())
})

/** Texts that HOSTKEY may send, and what is left of them. */
const shown: [theirs: string, ours: string][] = [
  ['Plan not found', 'Plan not found'],
  [`no ${TOKEN} here`, 'no [redacted] here'],
  [`no ${TOKEN.toUpperCase()}00 here`, 'no [redacted] here'],
  [`x${TOKEN}`, `x${TOKEN}`],
  [TOKEN.slice(1), TOKEN.slice(1)],
  ['key fedcba9876543210-0123456789abcdef is old', 'key [redacted] is old'],
  ['fedcba987654321-0123456789abcdef', 'fedcba987654321-0123456789abcdef'],
  ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
  ['AKIAIOSFODNN7EXAMPL', 'AKIAIOSFODNN7EXAMPL'],
  ['AKIAIOSFODNN7EXAMPLES', 'AKIAIOSFODNN7EXAMPLES'],
  ['(wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY)', '([redacted])'],
  ['(wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEYS)', '(wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEYS)'],
  ['token=abc&x=1', 'token=[redacted]&x=1'],
  ['token: abc', 'token: [redacted]'],
  ['{"password":"abc","x":1}', '{"password":"[redacted]","x":1}'],
  ['TOKEN = "a b"', 'TOKEN = "[redacted] b"'],
  ['access_key=a, secret_key=b;', 'access_key=[redacted], secret_key=[redacted];'],
  ['user_token=a Authorization: b key=c', 'user_token=[redacted] Authorization: [redacted] key=[redacted]'],
  ['x=token=abc', 'x=token=[redacted]'],
  ['keys=abc', 'keys=abc'],
  ['nottoken=abc', 'nottoken=abc'],
  ['bucket=abc', 'bucket=abc'],
  ['  a \r\n\u0000 b\u2028c\u202ed\u007fe\u009ff  ', 'a b c d e f'],
  ['Nie možna ✓', 'Nie možna ✓']
]

t.test('a text from outside is scrubbed of credentials and control characters', async t => {
  for (const [theirs, ours] of shown) t.equal(scrubbed(theirs), ours, ours)
  t.equal(scrubbed('a '.repeat(600)).length, 512)
})

t.test('a value that was sent is not quoted', async t => {
  t.equal(scrubbed('wrong: hunter22, hunter22!', ['hunter22', '']), 'wrong: [redacted], [redacted]!')
  t.equal(scrubbed('a', ['']), 'a')
})
