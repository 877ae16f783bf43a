import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needProgram } from '../../support/harness/debian.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'

const run = promisify(execFile)

const HOST = 'storage.example.com'

/** Creates a certificate under the file names of the pages: certificate and key apart, and in one file for HAProxy. */
export const createCertificate = async (folder: string): Promise<void> => {
  const [pem, key] = [join(folder, `${HOST}.pem`), join(folder, `${HOST}.key`)]
  const subject = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST},DNS:localhost`]
  const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', pem]
  await run(await needProgram(['openssl'], 'openssl'), ['req', '-x509', '-days', '1', ...options, ...subject])
  writeFileSync(join(folder, `${HOST}.crt`), readFileSync(pem, 'utf8') + readFileSync(key, 'utf8'))
}

/** The program of each proxy, its Debian package, and the arguments that run it in the foreground. */
const PROXIES = {
  nginx: {
    names: ['nginx'],
    packageName: 'nginx-light',
    args: (folder: string, file: string) => [
      ...['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
      ...['-g', `daemon off; pid ${join(folder, 'nginx.pid')}; worker_processes 1; user root;`]
    ]
  },
  caddy: {
    names: ['caddy'],
    packageName: 'caddy',
    args: (_folder: string, file: string) => ['run', '--adapter', 'caddyfile', '--config', file]
  },
  haproxy: {
    names: ['haproxy'],
    packageName: 'haproxy',
    args: (_folder: string, file: string) => ['-db', '-q', '-f', file]
  }
} as const

export type ProxyName = keyof typeof PROXIES

/** Starts a proxy with the configuration of the page. @returns its output so far */
export const startProxy = async (t: Lifetime, name: ProxyName, folder: string, file: string): Promise<() => string> => {
  const { names, packageName, args } = PROXIES[name]
  const program = await needProgram(names, packageName)
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child = spawn(program, args(folder, join(folder, file)), {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += chunk))
  t.after(async () => {
    if (child.exitCode !== null || child.pid === undefined) return
    process.kill(-child.pid, 'SIGKILL')
    await once(child, 'exit')
  })
  return () => text
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** Reads a reply over TLS as it comes. */
export const readAsItComes = (port: string, path: string, headers: Record<string, string>) => {
  const reading = { text: '', isOver: false, close: () => sent.destroy() }
  const options = { host: '127.0.0.1', port, servername: HOST, rejectUnauthorized: false, agent: false } as const
  const sent = request({ ...options, path, headers: { host: HOST, ...headers } }, reply => {
    reply.on('data', chunk => {
      reading.text += chunk
    })
    reply.on('close', () => {
      reading.isOver = true
    })
  })
  sent.on('error', () => undefined)
  sent.end()
  return reading
}

/** Sends a request over TLS, with its target unchanged. */
export const sendExactly = (
  port: string,
  { method = 'GET', path, headers = {} }: { method?: string; path: string; headers?: Record<string, string> }
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: HOST, rejectUnauthorized: false, agent: false } as const
    const sent = request({ ...options, method, path, headers: { host: HOST, ...headers } }, reply => {
      let text = ''
      reply.on('data', chunk => {
        text += chunk
      })
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }))
    })
    sent.on('error', reject)
    sent.end()
  })
