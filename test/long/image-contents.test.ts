import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, globSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { startSandbox } from '../../src/sandbox/index.ts'
import { needProgram } from '../support/harness/debian.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { START_MS } from '../support/harness/processes.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

const figure = figuresOf(t, 'image-contents')
const UID = '65532'

/** The instructions of the Dockerfile, each on one line. */
const dockerfile = readFileSync('Dockerfile', 'utf8').replace(/\\\n\s*/g, '')
const textsOf = (name: string) =>
  [...dockerfile.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, text = '']) => text)

/** What installs the packages of the build. The project has them, from the same lock. */
const INSTALL = 'npm ci --workspaces=false --ignore-scripts'

/** Does what the Dockerfile says, in a folder for each stage. @returns that of the last stage: its /app */
const build = (t: Test): string => {
  const stages = new Map<string, string>()
  let app = ''
  for (const [, name, text = ''] of dockerfile.matchAll(/^(FROM|COPY|RUN) (.*)$/gm)) {
    if (name === 'FROM') {
      app = temporaryFolder(t)
      stages.set(text.split(' AS ')[1] ?? 'image', app)
    } else if (name === 'COPY') {
      const [, from, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(text) ?? []
      const sources = paths.split(' ')
      const target = join(app, sources.pop() ?? '')
      for (const source of sources) {
        const path = from ? join(stages.get(from) ?? '', source.replace('/app', '')) : source
        cpSync(path, target.endsWith('/') && !from ? join(target, basename(source)) : target, { recursive: true })
      }
    } else if (text === INSTALL) symlinkSync(resolve('node_modules'), join(app, 'node_modules'))
    else if (!text.includes('/data')) {
      const { status, stderr, stdout } = spawnSync('sh', ['-c', text], { cwd: app, encoding: 'utf8' })
      t.equal(status, 0, `${text}: ${stdout}${stderr}`)
    }
  }
  return app
}

t.test('the content of the image runs without privileges on a read-only root', async t => {
  const bwrap = await needProgram(['bwrap'], 'bubblewrap')
  const [app, data] = [build(t), temporaryFolder(t)]

  /** The file system of the image: only /data is writable. */
  const box = [
    ...['--ro-bind', '/', '/', '--tmpfs', '/tmp', '--ro-bind', app, '/tmp/app', '--bind', data, '/tmp/data'],
    // The folder of node may be hidden inside.
    ...['--ro-bind', process.execPath, '/tmp/node'],
    ...['--remount-ro', '/tmp', '--proc', '/proc', '--dev', '/dev', '--chdir', '/tmp/app'],
    ...['--unshare-user', '--uid', UID, '--gid', UID, '--cap-drop', 'ALL', '--die-with-parent', '--clearenv']
  ]
  const settings = (env: Record<string, string>) =>
    Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value])

  t.test('lists its packages', async t => {
    const { components } = JSON.parse(readFileSync(join(app, 'sbom.cdx.json'), 'utf8'))
    const names = components.map(({ name }: { name: string }) => name)
    t.ok(names.includes('fastify') && !names.includes('typescript'), `${names.length} packages`)
    figure(`${names.length} packages in its list`)
  })

  t.test('V8 keeps its programs with one byte for each character', async t => {
    const files = globSync('{chunks,scripts,src}/**/*.js', { cwd: app })
    t.ok(files.length > 10)
    t.strictSame(
      files.filter(file => /[^\0-\xff]/.test(readFileSync(join(app, file), 'utf8'))),
      []
    )
  })

  t.test('only /data is writable', async t => {
    const write = `for (const path of ['/tmp/app/src/x', '/tmp/x', '/etc/x', '/tmp/data/x']) {
      try { require('node:fs').writeFileSync(path, ''); console.log('wrote', path) } catch (error) { console.log(error.code, path) }
    }`
    const { stdout } = spawnSync(bwrap, [...box, '/tmp/node', '-e', write], { encoding: 'utf8' })
    t.match(
      stdout,
      /^E(ROFS|ACCES|PERM) \/tmp\/app\/src\/x\nE(ROFS|ACCES|PERM) \/tmp\/x\nE(ROFS|ACCES|PERM) \/etc\/x\n/
    )
    t.match(stdout, /wrote \/tmp\/data\/x/, 'the data folder is writable')
  })

  t.test('serves, orders and ends', async t => {
    const sandbox = await startSandbox({ seed: randomUUID() })
    t.after(() => sandbox.close())
    const env = settings({
      NODE_ENV: 'production',
      PORT: '0',
      MANAGEMENT_PORT: '0',
      DATA_DIR: '/tmp/data',
      AUDIT_LOG: '/tmp/data/audit.log',
      UPSTREAM_URL: sandbox.url,
      SESSION_SECRET: randomUUID() + randomUUID(),
      PUBLIC_URL: 'https://storage.example',
      DRAIN_DELAY_MS: '0'
    })
    const [command = '[]'] = textsOf('CMD')
    const [, ...args] = JSON.parse(command) as string[]
    const child = spawn(bwrap, [...box, ...env, '/tmp/node', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(() => child.kill('SIGKILL'))
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (printed += String(chunk)))
    const address = () => /"msg":"Server listening at (http:[^"]+)"/.exec(printed)?.[1]
    t.ok(await eventually(() => address() !== undefined || child.exitCode !== null, START_MS), printed)
    const headers = { authorization: `Bearer ${sandbox.demo.token}` }
    const get = async (path: string) => (await fetch(address() + path, { headers })).status
    t.equal(await get('/livez'), 200)
    t.equal(await get('/docs'), 200)
    t.equal(await get('/accounts/s3_user_1/buckets'), 200)
    const order = await fetch(`${address()}/orders`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({ planId: 2, bucketName: 'from-the-image' })
    })
    t.equal(order.status, 201, 'the ledger is written')

    const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim() || child.pid)
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const caps = /^CapEff:\s+(\S+)$/m.exec(status)?.[1]
    const uids = spawnSync(bwrap, [...box, 'id', '-u'], { encoding: 'utf8' }).stdout.trim()
    t.equal(uids, UID)
    t.match(caps, /^0+$/)
    process.kill(pid, 'SIGTERM')
    const [code] = await once(child, 'exit')
    t.equal(code, 0, printed)
    figure(`uid ${uids}, capabilities ${caps}, read-only root: serves, orders, ends with ${code}`)
  })
})
