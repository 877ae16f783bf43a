import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { FuzzRequest } from '../../guarantees/fuzz/requests.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const run = promisify(execFile)

/** What is installed, each package with its hash. */
const PACKAGE = 'test/long/prism/package'
const TOOLS = '.tools'

/** 5 min: 213 packages from a slow registry. */
const INSTALL_MS = 300_000
/** 60 s: it reads the document in some seconds, on a busy machine. */
const STARTS = 1200

/**
 * Prism's program. With 151 packages more it would double what everybody installs, for one test: it is installed on
 * first use, into a folder that git ignores, from a lock file of its own.
 * @throws Error that says what to do by hand
 */
const needPrism = async (): Promise<string> => {
  const lock = readFileSync(join(PACKAGE, 'package-lock.json'))
  const folder = join(TOOLS, `prism-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`)
  const program = join(folder, 'node_modules/@stoplight/prism-cli/dist/index.js')
  if (existsSync(program)) return program
  process.stderr.write(`Prism is missing: installing it with npm ci into ${folder}\n`)
  mkdirSync(TOOLS, { recursive: true })
  const fresh = mkdtempSync(`${folder}-`)
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(PACKAGE, name), join(fresh, name))
  copyFileSync('.npmrc', join(fresh, '.npmrc'))
  try {
    await run('npm', ['ci', '--ignore-scripts'], { cwd: fresh, timeout: INSTALL_MS })
    // Another process has installed the same.
    if (existsSync(program)) rmSync(fresh, { recursive: true })
    else renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw new Error(`This test needs Prism, and npm could not install what ${PACKAGE}/package-lock.json names.`, {
      cause: error
    })
  }
  return program
}

/** One thing that Prism finds wrong with a reply. */
export interface Violation {
  location: string[]
  severity: string
  code?: string
  message: string
}

/** Prism between a client and an API: it judges each reply by the document alone. @returns its address */
export const prismBefore = async (t: Parameters<typeof temporaryFolder>[0], url: string, document: object) => {
  const file = join(temporaryFolder(t), 'openapi.json')
  writeFileSync(file, JSON.stringify(document))
  const port = await stablePort()
  // Invalid requests pass too: the test is about the replies of the gateway.
  const args = ['proxy', file, url, '--port', String(port), '--errors', '--validate-request=false', '--cors=false']
  const child = spawn(process.execPath, [await needPrism(), ...args, '--verboseLevel=silent'], { stdio: 'ignore' })
  t.after(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  await listening(port, child)
  return `http://127.0.0.1:${port}`
}

const listening = async (port: number, child: ChildProcess): Promise<void> => {
  for (let starts = 0; starts < STARTS && child.exitCode === null; starts += 1) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false
    )
    socket.destroy()
    if (isThere) return
    await pause(50)
  }
  throw new Error('Prism does not start')
}

/** A reply as it came back through Prism. */
interface Reply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
}

/** Prism's verdict: what is wrong with the gateway's reply, or that the reply is Prism's own and was never the gateway's. */
export type Verdict = { own: string } | { violations: Violation[] }

const PROBLEMS = 'https://stoplight.io/prism/errors#'

/** What Prism answers itself, by the name of its problem or by its status. Anything else of its own is an error. */
export const OWN_ANSWERS: Readonly<Record<string, string>> = {
  NO_PATH_MATCHED_ERROR: 'the path is not in the document',
  NO_METHOD_MATCHED_ERROR: 'the method is not in the document',
  UNAUTHORIZED: 'no credential of a form that the document knows; this check cannot be turned off',
  PROXY_UNSUPPORTED_REQUEST_BODY: 'a GET with a body',
  '431': 'a URL longer than its listener takes',
  '500': 'a Content-Type that its parser does not survive: `internal_server_error`',
  '501': 'TRACE and the like',
  hangs: 'never, to what the gateway answers at once when it is asked without Prism'
}

/**
 * May this request go through Prism? What may not, and is left to our own judge:
 * - a HEAD, which the document has nowhere, because it has no reply in which Prism could say so;
 * - a path with `//`: Prism judges by it, and forwards another one, with `/`;
 * - a body that it cannot read as JSON in UTF-8: it hangs for ever, waiting for the end of a body that has ended;
 * - `null`, `false` and the like as a body: it forwards its length without the body, and hangs too.
 */
export const isForPrism = ({ method, target, headers, body }: FuzzRequest): boolean => {
  if (method === 'HEAD') return false
  if (new URL(`http://localhost${target}`).pathname.includes('//')) return false
  const type = headers['content-type'] ?? ''
  if (body === undefined || !/json/i.test(type)) return true
  if (/charset(?!="?utf-8)/i.test(type)) return false
  try {
    return Boolean(JSON.parse(Buffer.from(body, 'latin1').toString()))
  } catch {
    return false
  }
}

/** Reads Prism's verdict from a reply. The gateway's own replies name the request. */
export const verdictOf = ({ statusCode, headers, text }: Reply): Verdict => {
  const header = headers['sl-violations']
  const { type = '', validation = [] } = text.includes(PROBLEMS)
    ? (JSON.parse(text) as { type?: string; validation?: Violation[] })
    : {}
  const name = type.startsWith(PROBLEMS) ? type.slice(PROBLEMS.length) : undefined
  if (name === 'VIOLATIONS') return { violations: validation }
  if (headers['x-request-id'] === undefined) return { own: name ?? String(statusCode) }
  // A failure's status that the document does not know is a warning of Prism's, and stands in the header alone.
  const violations = header === undefined ? [] : (JSON.parse(header) as Violation[])
  return { violations: violations.filter(({ location }) => location[0] === 'response') }
}
