import { createServer } from 'node:http'
import { Pool } from 'undici'
import { formOf } from './form.js'

/** The measure of all others: what Node needs to pass a reply's bytes through, without a check or a translation. */
const pool = new Pool(process.env.UPSTREAM, { connections: 64, pipelining: 1 })
const headers = { 'content-type': 'application/x-www-form-urlencoded' }

const server = createServer(async (request, response) => {
  try {
    const reply = await pool.request({ path: '/s3.php', method: 'POST', headers, body: formOf(request) })
    response.writeHead(reply.statusCode, {
      'content-type': reply.headers['content-type'],
      'content-length': reply.headers['content-length']
    })
    reply.body.pipe(response)
  } catch (error) {
    response.writeHead(502).end(error.message)
  }
})
server.listen(Number(process.env.PORT), '127.0.0.1')
