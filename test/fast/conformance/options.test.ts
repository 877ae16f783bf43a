import t from 'tap'
import { conformance } from './run.ts'

const TOKEN = 'a-token-that-nobody-may-see'
const LOCAL = 'http://127.0.0.1:9/'

const wrong: [name: string, args: string[], matches: RegExp][] = [
  ['no target', [], /one of --url and --upstream/],
  ['two targets', ['--url', LOCAL, '--upstream', LOCAL], /one of --url and --upstream/],
  ['no URL', ['--url', TOKEN], /--url is no URL/],
  ['a token in the clear', ['--upstream', 'http://api.example.com/'], /must be https/],
  ['a password in the URL', ['--url', `https://me:${TOKEN}@example.com/`], /more than an address/],
  ['a script', ['--upstream', 'https://api.example.com/s3.php'], /folder of the scripts/],
  ['an unknown option', ['--url', LOCAL, `--tokn=${TOKEN}`], /--tokn is unknown/],
  ['a word without an option', ['--url', LOCAL, TOKEN], /belongs to no option/],
  ['an option without its value', ['--url', LOCAL, '--json'], /--json is unknown, or its value is missing/],
  ['an unknown profile', ['--url', LOCAL, '--profile', 'all'], /read-only or full/],
  [
    'writing to an upstream',
    ['--upstream', LOCAL, '--profile', 'full', '--i-know-this-costs'],
    /an upstream is only read/
  ],
  ['writing without a word about the costs', ['--url', LOCAL, '--profile', 'full'], /--i-know-this-costs/],
  ['a sandbox for reading', ['--url', LOCAL, '--sandbox', LOCAL], /go with --profile full/],
  [
    'a rate that is a load',
    ['--upstream', 'https://api.example.com/', '--rate', '3'],
    /--rate is a number above 0 and up to 2/
  ],
  ['too many requests', ['--url', LOCAL, '--max-requests', '1000'], /up to 200/],
  ['two tokens', ['--url', LOCAL, '--token', TOKEN, '--token-file', '/dev/null'], /one of --token and --token-file/],
  ['a file that is not there', ['--url', LOCAL, '--token-file', `/nowhere/${TOKEN}`], /cannot be read/],
  ['an empty token', ['--url', LOCAL, '--token', ''], /give a token/],
  ['a token with a space', ['--url', LOCAL, '--token', `${TOKEN} ${TOKEN}`], /the token is none/]
]

t.test('2 and a reason, and no request, when it is called wrongly', async t => {
  const runs = await Promise.all(wrong.map(([, args]) => conformance(args, { env: { HOSTKEY_TOKEN: TOKEN } })))
  for (const [place, [name, , matches]] of wrong.entries()) {
    const { code, output } = runs[place] ?? { code: undefined, output: '' }
    // An empty --token is refused although the variable has one: who gives one means that one.
    t.equal(code, 2, `${name}: ${output}`)
    t.match(output, matches, name)
    t.match(output, /--token-file FILE/, `${name}: says how`)
    t.notMatch(output, TOKEN, `${name}: keeps the token to itself`)
  }
})

t.test('0 and the options, when it is asked for help', async t => {
  const { code, output } = await conformance(['--help'])
  t.equal(code, 0)
  t.match(output, /read-only \(default\), or full/)
})
