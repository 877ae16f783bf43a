import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'

const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The programs of the npm commands. Examples are programs to copy: they take no options. */
const programs = [
  ...new Set(
    Object.entries(scripts)
      .filter(([name]) => !name.startsWith('example:'))
      .flatMap(([, command]) => [...command.matchAll(/ ((?:src|scripts|conformance|bench|test)\/\S+\.ts)/g)])
      .map(([, program = '']) => program)
  )
]

const run = (program: string, args: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>(resolve => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr })
    )
  })

t.test('every command reads its command line in the same way', async t => {
  t.ok(programs.length > 12, String(programs))
  // Those with exit codes of their own have tests of their own.
  for (const program of programs.filter(name => !/^conformance|audit-verify/.test(name))) {
    t.match(readFileSync(program, 'utf8'), /\breadCommandLine\(\{\n\s+usage/, program)
  }
})

t.test('a command explains itself, and refuses an invalid command line in one sentence without a value', async t => {
  const cases: [args: string[], expected: object][] = [
    [['--help'], { code: 0, stdout: /^npm run sandbox -- [\s\S]*--port PORT/, stderr: '' }],
    [['--pot=s3cret'], { code: 1, stdout: '', stderr: /^--pot is not an option\. See: npm run sandbox -- --help\n$/ }],
    [['--port'], { code: 1, stdout: '', stderr: /^--port needs a value/ }],
    [['s3cret'], { code: 1, stdout: '', stderr: /^An argument is not expected\./ }],
    [['--port=s3cret'], { code: 1, stdout: '', stderr: /^The port of the sandbox is a number from 0 to 65535\.\n$/ }]
  ]
  await Promise.all(
    cases.map(async ([args, expected]) => t.match(await run('src/sandbox/main.ts', args), expected, args.join(' ')))
  )
})
