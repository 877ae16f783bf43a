import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { conformance } from './run.ts'

const TOKEN = 'a-secret-token'
const LOCAL = 'http://127.0.0.1:9/'

const invalid: [name: string, args: string[], reason: RegExp][] = [
  ['no target', [], /one of --url and --upstream/],
  ['two targets', ['--url', LOCAL, '--upstream', LOCAL], /one of --url and --upstream/],
  ['no URL', ['--url', TOKEN], /--url is not a URL/],
  ['plain HTTP to another machine', ['--upstream', 'http://api.example.com/'], /must be https/],
  ['a password in the URL', ['--url', `https://me:${TOKEN}@example.com/`], /must not contain credentials/],
  ['a script', ['--upstream', 'https://api.example.com/s3.php'], /folder of the scripts/],
  ['an unknown option', ['--url', LOCAL, `--tokn=${TOKEN}`], /--tokn is unknown/],
  ['an argument without an option', ['--url', LOCAL, TOKEN], /an argument has no option/],
  ['an option without its value', ['--url', LOCAL, '--json'], /--json is unknown, or its value is missing/],
  ['an unknown profile', ['--url', LOCAL, '--profile', 'all'], /read-only or full/],
  [
    'writing to an upstream',
    ['--upstream', LOCAL, '--profile', 'full', '--i-know-this-costs'],
    /--profile full requires --url/
  ],
  ['writing without consent to the costs', ['--url', LOCAL, '--profile', 'full'], /--i-know-this-costs/],
  ['a sandbox with the read-only profile', ['--url', LOCAL, '--sandbox', LOCAL], /require --profile full/],
  [
    'a rate above the limit',
    ['--upstream', 'https://api.example.com/', '--rate', '3'],
    /--rate must be a number above 0, here at most 2/
  ],
  ['too many requests', ['--url', LOCAL, '--max-requests', '1000'], /at most 200/],
  ['two tokens', ['--url', LOCAL, '--token', TOKEN, '--token-file', '/dev/null'], /one of --token and --token-file/],
  ['a missing token file', ['--url', LOCAL, '--token-file', `/nowhere/${TOKEN}`], /cannot be read/],
  ['an empty token', ['--url', LOCAL, '--token', ''], /give a token/],
  ['a token with a space', ['--url', LOCAL, '--token', `${TOKEN} ${TOKEN}`], /the token is invalid/]
]

t.test('exit code 2 and a reason for an invalid command line', async t => {
  for (const [name, args, reason] of invalid) {
    const { code, output } = await conformance(args, { env: { HOSTKEY_TOKEN: TOKEN } })
    // An empty --token is refused although HOSTKEY_TOKEN is set: the option takes precedence.
    t.equal(code, 2, `${name}: ${output}`)
    t.match(output, reason, name)
    t.match(output, /--token-file FILE/, `${name}: prints the usage`)
    t.notMatch(output, TOKEN, `${name}: does not print the token`)
  }
})

t.test('--help prints the options, with exit code 0', async t => {
  const { code, output } = await conformance(['--help'])
  t.equal(code, 0)
  t.match(output, /read-only \(default\), or full/)
})

t.test('the process prints to stderr and exits with the code', async t => {
  const main = fileURLToPath(new URL('../../../conformance/main.ts', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--url'], { encoding: 'utf8' })
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(stderr, /--url is unknown, or its value is missing/)
})
