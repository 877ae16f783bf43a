import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { request } from 'undici'
import { openapiDocument } from '../../../scripts/docs/openapi.ts'
import { createServiceRegistry } from '../../../src/auth/services/registry.ts'
import { type Config, loadConfig } from '../../../src/config/config.ts'
import { switches } from '../../../src/config/settings/switches.ts'
import { startGateway } from '../../../src/gateway.ts'
import type { Switch } from '../../../src/http/operation.ts'
import type { Pressure } from '../../../src/http/pressure.ts'
import { createLog } from '../../../src/observability/log.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/index.ts'
import { auditFaultsIn } from '../assert/audit.ts'
import { contractOf } from '../assert/contract.ts'
import { leaksIn } from '../assert/leaks.ts'
import { CALM } from './calm.ts'
import type { Lifetime } from './lifetime.ts'

export interface Reply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape instead of relying on it.
  json(): any
}

export interface SendOptions {
  token?: string | null
  headers?: Record<string, string>
  body?: unknown
}

type Contract = ReturnType<typeof contractOf>

/** Limits that no test reaches by accident. */
const ROOMY = {
  PORT: '0',
  MANAGEMENT_PORT: '0',
  RATE_LIMIT_MAX: '1000000',
  LOG_LEVEL: 'trace',
  NODE_ENV: 'test',
  STORAGE_ENDPOINTS: 'NL=https://s3-nl.hostkey.com|nl'
}

export type Gateway = Awaited<ReturnType<typeof gateway>>

/**
 * A gateway in front of a sandbox, both on real sockets, for one test. The end of the test checks that no secret of the
 * sandbox is in a log, a metric, an error or a list, and that the API document allows every reply.
 */
export const gateway = async (
  t: Lifetime,
  env: Record<string, string> = {},
  {
    sandbox: given,
    pressure = CALM,
    isEphemeral = false,
    verifyDelaysMs = [0, 20, 60]
  }: { sandbox?: Sandbox; pressure?: Pressure; isEphemeral?: boolean; verifyDelaysMs?: readonly number[] } = {}
) => {
  const sandbox = given ?? (await startSandbox({ seed: randomUUID() }))
  const dataDir = mkdtempSync(join(tmpdir(), 'hks3-data-'))
  const auditLog = join(dataDir, 'audit.log')
  const lines: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const config = loadConfig({ ...ROOMY, DATA_DIR: dataDir, AUDIT_LOG: auditLog, ...env })
  const log = createLog(config.logLevel, destination)
  const upstreamUrl = config.upstreamUrl ?? new URL(sandbox.url)
  const registry = createServiceRegistry(config.servicesFile, env)
  const running = await startGateway({ config, upstreamUrl, registry, log, verifyDelaysMs, pressure, isEphemeral })
  const contract = await contractFor(config)
  const replies: { operation: string; reply: Reply }[] = []

  const send = async (
    method: string,
    path: string,
    { token, headers = {}, body }: SendOptions = {}
  ): Promise<Reply> => {
    const credential = token === undefined ? sandbox.demo.token : token
    const answer = await request(`${running.url}${path}`, {
      method,
      headers: {
        ...(credential !== null && { authorization: `Bearer ${credential}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const text = await answer.body.text()
    const reply = { statusCode: answer.statusCode, headers: flat(answer.headers), text, json: () => JSON.parse(text) }
    replies.push({ operation: `${method} ${path}`, reply })
    return reply
  }

  let ending: Promise<string> | undefined
  /** Ends the gateway, once. @returns its last metrics */
  const end = (): Promise<string> => {
    ending ??= (async () => {
      const metrics = await (await request(`${running.managementUrl}/metrics`)).body.text()
      await running.drain()
      return metrics
    })()
    return ending
  }

  t.after(async () => {
    const metrics = await end()
    if (!given) await sandbox.close()
    const auditText = readFileSync(config.auditLog, 'utf8')
    rmSync(config.auditLog)
    const texts = replies
      .filter(({ operation }) => !/^GET .*\/keys\/|^POST .*\/presigned-urls/.test(operation))
      .map(({ reply }) => reply)
    const headers = replies.map(({ reply }) => JSON.stringify(reply.headers))
    const cookies = replies.flatMap(
      ({ reply }) => /(?<=^__Host-Http-session=)[^;]+/.exec(reply.headers['set-cookie'] ?? '') ?? []
    )
    // A token of the gateway is in the reply that shows it, and nowhere else.
    const isToken = ({ operation }: { operation: string }) => operation.startsWith('POST /tokens')
    const tokens = replies.filter(isToken).flatMap(({ reply }) => /hkt_[\w-]{66}/.exec(reply.text) ?? [])
    const others = replies.filter(each => !isToken(each)).map(({ reply }) => reply.text)
    const secrets = sandbox.control.secrets()
    // A presigned URL names the access key, as every request to S3 does; never the secret key.
    const isPresigned = ({ operation }: { operation: string }) => /^POST .*\/presigned-urls/.test(operation)
    const presigned = replies.filter(isPresigned).map(({ reply }) => reply.text)
    const unnamed = secrets.filter(secret => !/^[A-Z2-7]{20}$/.test(secret))
    const faults = [
      ...leaksIn([...lines, metrics, auditText, ...texts.map(({ text }) => text)], cookies).map(
        leak => `cookie in a text: ${leak}`
      ),
      ...leaksIn([...lines, metrics, auditText, ...others], tokens).map(leak => `token of the gateway: ${leak}`),
      ...auditFaultsIn(auditText),
      ...leaksIn([auditText], secrets).map(leak => `secret in the audit log: ${leak}`),
      ...leaksIn(lines, secrets).map(leak => `secret in the log: ${leak}`),
      ...leaksIn([metrics], secrets).map(leak => `secret in the metrics: ${leak}`),
      ...leaksIn([...texts.map(({ text }) => text), ...headers], secrets).map(leak => `secret in a reply: ${leak}`),
      ...leaksIn(presigned, unnamed).map(leak => `secret in a presigned URL: ${leak}`),
      ...replies.flatMap(({ operation, reply }) => contract.violations(operation, reply))
    ]
    // The test has ended and accepts no assertions, but an error at its end fails it.
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })

  return {
    url: running.url,
    managementUrl: running.managementUrl,
    sandbox,
    registry,
    lines,
    running: {
      ...running,
      async drain() {
        await end()
      }
    },
    send,
    get: (path: string, options?: SendOptions) => send('GET', path, options),
    post: (path: string, body: unknown, options: SendOptions = {}) => send('POST', path, { ...options, body }),
    del: (path: string, options?: SendOptions) => send('DELETE', path, options),
    /** The audit log so far. */
    auditRecords: (): Record<string, unknown>[] =>
      readFileSync(config.auditLog, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line)),
    /** The actions of s3.php that the sandbox received, in order. */
    asked: () => sandbox.control.calls().map(({ action }) => action)
  }
}

const contracts = new Map<string, Promise<Contract>>()

/**
 * The contract with the document that the gateway serves. Generating the document and compiling its schemas takes longer
 * than a short test: done once for each base address, without a request that would count against a rate limit.
 */
const contractFor = (config: Config): Promise<Contract> => {
  const { publicUrl, basePath, dataDir } = config
  const switched = Object.entries(switches).map(([field, { name }]) => [name, String(config[field as Switch])])
  const key = `${publicUrl} ${basePath} ${switched}`
  const env = {
    PUBLIC_URL: publicUrl.href,
    BASE_PATH: basePath,
    DATA_DIR: dataDir,
    AUDIT_LOG: '/dev/null',
    ...Object.fromEntries(switched)
  }
  const contract = contracts.get(key) ?? openapiDocument(env).then(({ document }) => contractOf(document))
  contracts.set(key, contract)
  return contract
}

const flat = (headers: Record<string, string | string[] | undefined>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])
  )
