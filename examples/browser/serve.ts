import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/**
 * Serves the page on an origin of its own. Any server of static files does; this one puts the gateway's address into
 * the page: GATEWAY, an origin. PAGE_PORT 0 takes any free port.
 */
const { GATEWAY = 'http://localhost:8080', PAGE_PORT = '3000' } = process.env

/** The address that stands in index.html: in its meta element, and in its policy. */
const WRITTEN = 'http://localhost:8080'

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const page = { type: 'text/html; charset=utf-8', text: read('index.html').replaceAll(WRITTEN, new URL(GATEWAY).origin) }
/** All that there is: nothing else of the folder is served. */
const files = new Map([
  ['/', page],
  ['/style.css', { type: 'text/css; charset=utf-8', text: read('style.css') }],
  ['/app.js', { type: 'text/javascript; charset=utf-8', text: read('app.js') }]
])

const server = createServer((request, response) => {
  const file = files.get(new URL(request.url ?? '/', 'http://page').pathname)
  // What a meta element cannot say: nobody frames the page.
  response.setHeader('content-security-policy', "frame-ancestors 'none'")
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cache-control', 'no-cache')
  if (file) response.writeHead(200, { 'content-type': file.type }).end(file.text)
  else response.writeHead(404).end()
})

// By name: the page and the gateway are one site only if both are `localhost`, and the cookie stays within a site.
server.listen(Number(PAGE_PORT), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : PAGE_PORT
  console.log(`http://localhost:${port}  (the gateway: ${new URL(GATEWAY).origin})`)
})
