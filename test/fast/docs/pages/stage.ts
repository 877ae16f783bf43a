import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import type { Lifetime } from '../../../support/harness/lifetime.ts'
import { stablePort } from '../../../support/harness/stable-port.ts'
import { openShell, type Ran } from './shell.ts'

/** The parts of the project that commands of a page use; linked into the folder of the stage. */
const PROJECT = [
  'package.json',
  'deploy',
  'node_modules',
  'src',
  'scripts',
  'schemas',
  'routes',
  'client',
  'conformance',
  'examples',
  'openapi.yaml'
]

/** Ports that pages name; each run replaces them by free ones. */
const PORTS = ['8080', '8081', '8082', '8083', '8090', '9090', '9091', '9092', '9093', '3000', '6379', '8443']
const NAMED_PORT = new RegExp(`(?<=[:= ]|--port )(${PORTS.join('|')})\\b`, 'g')

/** Values that a reader copies from earlier output: `TOKEN=...` stands for the last one. */
const PRINTED: Record<string, RegExp> = {
  TOKEN: /^ +(?:demo )?token +(\S+)$/gm,
  API_KEY: /^ +(?:demo )?API key +(\S+)$/gm,
  EMAIL: /^ +(?:demo )?e-mail +(\S+)$/gm,
  PASSWORD: /^ +(?:demo )?password +(\S+)$/gm,
  SANDBOX: /^ +upstream +(\S+)/gm,
  UPSTREAM: /^ +upstream +(\S+)/gm,
  SERVICE_SECRET: /^ +(hks_\S+)$/gm,
  'sha256:…': /(sha256:[0-9a-f]{64})/g
}

/** The settings with which npm finds its registry. */
const forNpm = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && /^(npm_config_|https?_proxy$|no_proxy$|node_extra_ca_certs$)/i.test(name)
        ? [[name, value]]
        : []
    )
  )

/** Without the Node of the project, which npm puts first: pages put it into PATH where commands need it. */
const pathOfReader = (): string =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter(folder => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter)

/** 40 s: a start on a busy machine. */
const START_MS = 40_000

const SERVES = /\bnpm (?:start|run (?:sandbox|example:browser))\b[^\n]*\s*$/
const IS_UP = /^(?: +upstream +\S+.*|The sandbox listens on \S+|http:\S+ {2}\(the gateway: \S+\))$/m

/** The place where the blocks of a page are executed: a folder, ports, a shell, and the output so far. */
export const docStage = async (t: Lifetime) => {
  const folder = mkdtempSync(join(tmpdir(), 'hks3-page-'))
  t.after(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  for (const name of PROJECT) symlinkSync(resolve(name), join(folder, name))
  const ports = new Map<string, string>()
  for (const port of PORTS) ports.set(port, String(await stablePort()))
  const portOf = (named: string): string => ports.get(named) ?? named
  const env = {
    ...forNpm(),
    PATH: pathOfReader(),
    HOME: process.env['HOME'] ?? folder,
    PORT: portOf('8080'),
    MANAGEMENT_PORT: portOf('9090'),
    SANDBOX_PORT: portOf('8090'),
    PAGE_PORT: portOf('3000'),
    GATEWAY: `http://localhost:${portOf('8080')}`,
    NO_UPDATE_NOTIFIER: '1',
    // The programs of a page share their compiled code with the tests.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? ''
  }
  const shell = openShell(t, { cwd: folder, env })
  let printed = ''

  const lastPrinted = (name: string): string => {
    const found = [...printed.matchAll(PRINTED[name] ?? /^$/g)].at(-1)?.[1]
    if (found === undefined) throw new Error(`no ${name} was printed`)
    return found
  }
  /** A block with the ports and values of this run. */
  const own = (text: string): string =>
    text
      .replaceAll(NAMED_PORT, portOf)
      .replaceAll(/^([A-Z_]+)=\.\.\.(?=\s|$)/gm, (_, name: string) => `${name}='${lastPrinted(name)}'`)
      .replaceAll('sha256:…', () => lastPrinted('sha256:…'))
  /** Output with the ports that the page names. */
  const asOnPage = (text: string): string => {
    let result = text
    for (const [named, port] of ports) result = result.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), named)
    return result
  }

  /** Starts a program that a reader leaves running in another window, and waits for its address. @returns what it prints */
  const serve = async (code: string): Promise<string> => {
    const file = join(folder, '.window')
    appendFileSync(file, '')
    const before = readFileSync(file, 'utf8').length
    const out = openSync(file, 'a')
    const child = spawn('bash', ['-c', own(code)], { cwd: folder, env, stdio: ['ignore', out, out], detached: true })
    t.after(async () => {
      if (child.exitCode !== null || child.pid === undefined) return
      process.kill(-child.pid, 'SIGKILL')
      await once(child, 'exit')
    })
    const giveUpAt = performance.now() + START_MS
    for (;;) {
      const text = readFileSync(file, 'utf8').slice(before)
      if (IS_UP.test(text)) {
        // The rest of the output arrives with the address; the log after it is not needed.
        await new Promise(done => setTimeout(done, 100))
        const shown = readFileSync(file, 'utf8').slice(before)
        printed += shown
        // Without what npm prints before the program, and the log.
        return shown.replaceAll(/^[>{].*\n/gm, '')
      }
      if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error(`did not start: ${code}\n${text}`)
      await new Promise(done => setTimeout(done, 20))
    }
  }

  return {
    folder,
    own,
    asOnPage,
    /** Executes one block of commands; `npm ci` is left out. @throws Error when a program does not start */
    async run(code: string): Promise<Ran> {
      const commands = code.replaceAll(/^npm ci\n/gm, '')
      if (SERVES.test(commands)) {
        return { code: 0, stdout: asOnPage(await serve(commands)), stderr: '' }
      }
      const ran = await shell.run(own(commands))
      printed += `\n${ran.stdout}\n`
      return { ...ran, stdout: asOnPage(ran.stdout) }
    },
    /** Saves a block under the name that the page gives it. */
    save: (file: string, code: string): void => writeFileSync(join(folder, file), own(code)),
    /** The address in this run of `http://127.0.0.1:8080`. */
    url: `http://127.0.0.1:${portOf('8080')}`,
    portOf,
    lastPrinted
  }
}

export type DocStage = Awaited<ReturnType<typeof docStage>>
