import { fileURLToPath } from 'node:url'
import { goProgram } from './install.ts'
import { nginxCommand } from './nginx.ts'
import { freePort, type Running, SERVER_CORE, start } from './process.ts'

/** A server that the gateway is compared with. */
export interface Peer {
  name: string
  title: string
  /** Answers in the gateway's shapes; one that does not passes the upstream's bytes through. */
  isTranslating: boolean
  command: (where: { folder: string; port: number; upstream: string }) => string[] | Promise<string[]>
}

const node = (file: string) => () => [process.execPath, fileURLToPath(new URL(`peers/${file}`, import.meta.url))]

/** The measure of all ratios. */
export const BASE = 'raw-pass'

export const peers: readonly Peer[] = [
  { name: BASE, title: 'raw-pass', isTranslating: false, command: node('raw-pass.js') },
  { name: 'reply-from', title: '@fastify/reply-from', isTranslating: false, command: node('reply-from.js') },
  {
    name: 'nginx-lua',
    title: 'nginx + Lua',
    isTranslating: true,
    command: where =>
      nginxCommand('nginx-lua', { configuration: new URL('peers/nginx/nginx.conf', import.meta.url), ...where })
  },
  {
    name: 'njs',
    title: 'nginx + njs',
    isTranslating: true,
    command: where => nginxCommand('njs', { configuration: new URL('peers/njs/nginx.conf', import.meta.url), ...where })
  },
  { name: 'go', title: 'Go', isTranslating: true, command: async () => [await goProgram()] },
  { name: 'fastify', title: 'Fastify, the usual way', isTranslating: true, command: node('fastify-usual.js') },
  { name: 'hono', title: 'Hono + fetch', isTranslating: true, command: node('hono-fetch.js') },
  { name: 'express', title: 'Express 5 + axios', isTranslating: true, command: node('express-axios.js') }
]

export const startPeer = async ({ name, command }: Peer, folder: string, upstream: string): Promise<Running> => {
  const port = await freePort()
  return await start({
    name,
    command: await command({ folder, port, upstream }),
    env: { PORT: String(port), UPSTREAM: upstream, NODE_ENV: 'production' },
    core: SERVER_CORE,
    folder,
    port
  })
}
