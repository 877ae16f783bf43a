import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { blocksOf } from '../../fast/docs/pages/blocks.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { openJob } from '../../support/harness/jobs.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'
import { createCertificate, type ProxyName, sendExactly, startProxy } from './proxies.ts'

const PAGE = 'docs/how-to/deploy-behind-a-proxy.md'

type Edit = [from: string | RegExp, to: string]

/** Runs the command. @returns `severity subject` of what is not ok, and its exit code */
const doctor = (args: readonly string[], env: Record<string, string>) =>
  new Promise<{ code: unknown; bad: string[]; out: string }>(resolve => {
    const own = { PATH: process.env['PATH'] ?? '', ...env }
    execFile(process.execPath, ['src/commands/doctor.ts', ...args], { env: own }, (error, out) => {
      const bad = [...out.matchAll(/^(warning|fault|unknown) +([^:]+):/gm)].map(([, how, what]) => `${how} ${what}`)
      resolve({ code: error?.code ?? 0, bad: bad.sort(), out })
    })
  })

/** A gateway behind a proxy with the configuration of the page and these changes. */
const behind = async (t: Lifetime, name: ProxyName, edits: readonly Edit[], env: Record<string, string> = {}) => {
  const block = blocksOf(PAGE).find(({ language }) => language === name)
  if (!block?.file) throw new Error(`the page has no configuration of ${name}`)
  const folder = temporaryFolder(t)
  const [port, publicPort] = [String(await stablePort()), String(await stablePort())]
  const url = `https://localhost:${publicPort}/`
  await createCertificate(folder)
  const running = await gateway(t, { PORT: port, PUBLIC_URL: url, TRUST_PROXY: '127.0.0.1', ...env })
  let config = block.code
  for (const [from, to] of edits) {
    const edited = config.replace(from, to)
    if (edited === config) throw new Error(`the page does not have ${from}`)
    config = edited
  }
  const own = config.replace('storage.example.com:8443', 'localhost:8443')
  writeFileSync(join(folder, block.file), own.replaceAll('8080', port).replaceAll('8443', publicPort))
  const complaints = await startProxy(t, name, folder, block.file)
  const isUp = () =>
    sendExactly(publicPort, { path: '/readyz', headers: { host: `localhost:${publicPort}` } }).then(
      ({ status }) => status === 200,
      () => false
    )
  if (!(await eventually(isUp))) throw new Error(`${name} does not serve: ${complaints()}`)
  return { folder, running, url }
}

/** Examines a gateway in which a job works. */
const examine = async (t: Lifetime, name: ProxyName, edits: readonly Edit[] = []) => {
  const { folder, running, url } = await behind(t, name, edits)
  await openJob(running)
  return doctor(['--url', url], {
    DOCTOR_TOKEN: running.sandbox.demo.token,
    NODE_EXTRA_CA_CERTS: join(folder, 'storage.example.com.pem')
  })
}

/** What each proxy can do wrong, and what the command then says. */
const WRONG: Record<ProxyName, { edits: Edit[]; bad: string[] }> = {
  nginx: {
    edits: [
      ['client_max_body_size 2m;', 'client_body_timeout 2s;'],
      ['proxy_buffering off;', 'proxy_ignore_headers X-Accel-Buffering;'],
      ['$remote_addr', '$http_x_forwarded_for'],
      ['proxy_pass http://gateway;', 'proxy_pass http://gateway/;'],
      ['merge_slashes off;', ''],
      ['large_client_header_buffers 4 16k;', 'large_client_header_buffers 4 4k;'],
      ['proxy_set_header X-Forwarded-Proto $scheme;', 'proxy_set_header X-Request-Id $request_id;'],
      ['proxy_next_upstream off;', 'proxy_set_header X-CSRF ""; proxy_set_header Idempotency-Key "";']
    ],
    bad: [
      'fault Idempotency-Key',
      'fault X-CSRF',
      'fault address',
      'fault paths',
      'fault streams',
      'warning URLs',
      'warning X-Request-Id',
      'warning bodies',
      'warning slow bodies'
    ]
  },
  caddy: {
    edits: [
      [
        '	reverse_proxy 127.0.0.1:8080 {\n		health_uri /readyz',
        `	request_body {
		max_size 16KB
	}
	uri replace // /
	reverse_proxy 127.0.0.1:8080 {
		header_up X-Forwarded-For {http.request.header.X-Forwarded-For}
		header_up -X-CSRF
		buffer_responses
		health_uri /readyz`
      ],
      ['	flush_interval -1\n', '']
    ],
    bad: ['fault X-CSRF', 'fault address', 'fault paths', 'fault streams', 'warning bodies']
  },
  haproxy: {
    edits: [
      ['  http-request set-header X-Forwarded-For %[src]\n', '  http-request del-header X-CSRF\n'],
      ['  timeout http-request 15s', '  option http-buffer-request\n  timeout http-request 2s'],
      [
        '  http-request set-header X-Forwarded-Proto https',
        '  http-request deny deny_status 413 if { req.body_size gt 16384 }\n  http-response wait-for-body time 10s'
      ]
    ],
    bad: ['fault X-CSRF', 'fault address', 'fault streams', 'warning bodies', 'warning slow bodies']
  }
}

t.test('npm run doctor behind the proxies of the page, right and wrong', async t => {
  const names = Object.keys(WRONG) as ProxyName[]
  await Promise.all(
    names.flatMap(name => [
      examine(t, name).then(({ code, bad, out }) => {
        t.same({ code, bad }, { code: 0, bad: [] }, `${name} as on the page: ${out}`)
      }),
      examine(t, name, WRONG[name].edits).then(({ code, bad, out }) => {
        t.same({ code, bad }, { code: 2, bad: WRONG[name].bad }, `${name} with faults: ${out}`)
      })
    ])
  )
})

t.test('npm run doctor tells who closes idle connections', async t => {
  const closedBy = async (edits: readonly Edit[], keepAliveMs: number) => {
    const managementPort = String(await stablePort())
    await behind(t, 'nginx', edits, { MANAGEMENT_PORT: managementPort, KEEP_ALIVE_TIMEOUT_MS: String(keepAliveMs) })
    // Node closes a second after the time.
    await pause(3500)
    const env = { MANAGEMENT_PORT: managementPort, NODE_ENV: 'test', DATA_DIR: temporaryFolder(t) }
    const { out } = await doctor(['--inside'], env)
    return /^(\w+) +idle connections:/m.exec(out)?.[1]
  }
  const [gatewayFirst, proxyFirst] = await Promise.all([
    closedBy([], 1000),
    closedBy([['keepalive_timeout 60s;', 'keepalive_timeout 1s;']], 2000)
  ])
  t.same([gatewayFirst, proxyFirst], ['warning', 'ok'])
})
