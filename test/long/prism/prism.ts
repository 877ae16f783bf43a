import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FuzzRequest } from '../../guarantees/fuzz/requests.ts'
import { needPackage } from '../../support/harness/npm-package.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'
import { untilListening } from '../../support/harness/until-listening.ts'

type Lifetime = Parameters<typeof temporaryFolder>[0]

/** The path of Prism's program. @throws Error when it cannot be installed */
const needPrism = () => needPackage('prism', 'test/long/prism/package', '@stoplight/prism-cli/dist/index.js')

/** A violation of the document that Prism finds in a reply. */
export interface Violation {
  location: string[]
  severity: string
  code?: string
  message: string
}

/** Starts Prism with the document. @returns its address */
const startPrism = async (t: Lifetime, command: string, document: object, args: string[]): Promise<string> => {
  const file = join(temporaryFolder(t), 'openapi.json')
  writeFileSync(file, JSON.stringify(document))
  const port = await stablePort()
  const program = await needPrism()
  const common = ['--port', String(port), '--cors=false', '--verboseLevel=silent']
  const child = spawn(process.execPath, [program, command, file, ...args, ...common], { stdio: 'ignore' })
  t.after(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  await untilListening(port, child)
  return `http://127.0.0.1:${port}`
}

/** Prism as a proxy in front of an API: it compares each reply with the document. */
export const prismBefore = (t: Lifetime, url: string, document: object): Promise<string> =>
  // Invalid requests pass too: the test is about the replies of the gateway.
  startPrism(t, 'proxy', document, [url, '--errors', '--validate-request=false'])

/** Prism in place of an API: it answers with the examples of the document, and refuses requests that it does not allow. */
export const prismMock = (t: Lifetime, document: object): Promise<string> =>
  startPrism(t, 'mock', document, ['--errors'])

/** A reply as it came back through Prism. */
interface Reply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
}

/** Prism's verdict: the violations in the gateway's reply, or the name of a reply that Prism itself made. */
export type Verdict = { own: string } | { violations: Violation[] }

const PROBLEMS = 'https://stoplight.io/prism/errors#'

/** Replies that Prism itself makes, by the name of the problem or by status. Any other one is an error. */
export const OWN_ANSWERS: Readonly<Record<string, string>> = {
  NO_PATH_MATCHED_ERROR: 'the path is not in the document',
  NO_METHOD_MATCHED_ERROR: 'the method is not in the document',
  UNAUTHORIZED: 'no credential of a documented form; this check cannot be turned off',
  PROXY_UNSUPPORTED_REQUEST_BODY: 'a GET with a body',
  '431': 'a URL longer than its listener accepts',
  '500': 'a Content-Type on which its parser fails: `internal_server_error`',
  '501': 'TRACE and the like',
  hangs: 'no reply, although the gateway answers the same request without Prism'
}

/**
 * Can Prism check this request? It cannot check, and document-fuzzing checks alone:
 * - a stream: Prism compares the whole text with the schema of one line;
 * - HEAD: the document has none, and the reply has no body for Prism's report;
 * - a path with `//`: Prism matches it, and forwards it with `/`;
 * - a body that is not JSON in UTF-8: Prism waits forever for more of it;
 * - `null`, `false`, 0 or an empty text as a body: Prism forwards the length without the body, and waits forever.
 */
export const isForPrism = ({ operationId, method, target, headers, body }: FuzzRequest): boolean => {
  if (method === 'HEAD' || operationId.startsWith('stream')) return false
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
  // Prism reports an undocumented status of a failure as a warning, in the header only.
  const violations = header === undefined ? [] : (JSON.parse(header) as Violation[])
  return { violations: violations.filter(({ location }) => location[0] === 'response') }
}
