import { spawnSync } from 'node:child_process'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fastify } from 'fastify'
import t from 'tap'
import { Client } from 'undici'
import { createServiceRegistry } from '../../../src/auth/services/registry.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { assembleGateway } from '../../../src/gateway.ts'
import { listenOnSocket } from '../../../src/http/listener.ts'
import { createLog } from '../../../src/observability/log.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

t.test('a unix socket: only its user and group, and the address is that of X-Forwarded-For', async t => {
  const path = join(temporaryFolder(t), 'gateway.sock')
  const lines: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const { app, close } = await assembleGateway({
    config: loadConfig({ SOCKET: path, DATA_DIR: temporaryFolder(t), AUDIT_LOG: '/dev/null' }),
    upstreamUrl: new URL('http://127.0.0.1:9'),
    registry: createServiceRegistry(undefined, {}),
    log: createLog('info', destination)
  })
  t.equal(await listenOnSocket(app, path), `unix:${path}`)
  t.equal(statSync(path).mode & 0o777, 0o660)
  const client = new Client('http://gateway.example', { socketPath: path })
  const get = (headers: Record<string, string>) => client.request({ method: 'GET', path: '/accounts', headers })
  const { statusCode, body } = await get({ 'x-forwarded-for': '198.51.100.9, 203.0.113.7' })
  await body.dump()
  t.equal(statusCode, 401)
  await (await get({})).body.dump()
  await client.close()
  await close()
  const ips = lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  t.match(ips, [{ ip: '203.0.113.7' }, { ip: '' }])
})

t.test('the file of a killed process is replaced, that of a running one is not', async t => {
  const path = join(temporaryFolder(t), 'gateway.sock')
  const other = createServer().listen(path)
  const app = fastify()
  await t.rejects(listenOnSocket(app, path), { code: 'EADDRINUSE' })
  other.close()
  writeFileSync(path, '')
  await t.rejects(listenOnSocket(fastify(), path), { code: 'EADDRINUSE' }, 'a file that is no socket is kept')
  rmSync(path)
  const killed = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', killed])
  t.ok(statSync(path).isSocket())
  const next = fastify()
  t.equal(await listenOnSocket(next, path), `unix:${path}`)
  await next.close()
  t.throws(() => loadConfig({ SOCKET: 'gateway.sock' }), { message: /SOCKET must be an absolute path/ })
})
