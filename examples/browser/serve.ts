import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/**
 * Serves the page on an origin of its own. Any static file server works; this one inserts the address of the gateway
 * (GATEWAY, an origin). PAGE_PORT 0 means any free port.
 */
const { GATEWAY = 'http://localhost:8080', PAGE_PORT = '3000' } = process.env

/** The address in index.html: in the meta element and in the policy. */
const PLACEHOLDER = 'http://localhost:8080'

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const page = {
  type: 'text/html; charset=utf-8',
  text: read('index.html').replaceAll(PLACEHOLDER, new URL(GATEWAY).origin)
}
/** Only these files of the folder are served. */
const files = new Map([
  ['/', page],
  ['/style.css', { type: 'text/css; charset=utf-8', text: read('style.css') }],
  ['/app.js', { type: 'text/javascript; charset=utf-8', text: read('app.js') }]
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
