import { globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/**
 * Serves the page on an origin of its own. Any static file server works; this one inserts the addresses of the gateway
 * (GATEWAY, an origin) and of the storage (STORAGE, a source of the policy). PAGE_PORT 0 means any free port.
 */
const { GATEWAY = 'http://localhost:8080', STORAGE = 'http://127.0.0.1:*', PAGE_PORT = '3000' } = process.env

/** The addresses in index.html. The storage of the sandbox has any port of this machine. */
const placeholders = { gateway: 'http://localhost:8080', storage: 'http://127.0.0.1:*' }

const TYPES = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' }

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const page = read('index.html')
  .replaceAll(placeholders.gateway, new URL(GATEWAY).origin)
  .replaceAll(placeholders.storage, STORAGE)
/** Only these files of the folder are served. */
const files = new Map([
  ['/', { type: 'text/html; charset=utf-8', text: page }],
  ...globSync('{app,style}/*', { cwd: import.meta.dirname }).map(
    name => [`/${name}`, { type: TYPES[name.endsWith('.js') ? 'js' : 'css'], text: read(name) }] as const
  )
])

const server = createServer((request, response) => {
  const file = files.get(new URL(request.url ?? '/', 'http://page').pathname)
  // A meta element cannot set frame-ancestors.
  response.setHeader('content-security-policy', "frame-ancestors 'none'")
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cache-control', 'no-cache')
  if (file) response.writeHead(200, { 'content-type': file.type }).end(file.text)
  else response.writeHead(404).end()
})

// Prints `localhost`, not 127.0.0.1: the page and the gateway must be one site, because the cookie is SameSite=Strict.
server.listen(Number(PAGE_PORT), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : PAGE_PORT
  console.log(`http://localhost:${port}  (the gateway: ${new URL(GATEWAY).origin})`)
})
