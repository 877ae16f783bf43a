import { globSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../../src/config/config.ts'
import { settings } from '../../../src/config/settings.ts'

type Env = Record<string, string>

/** What a deployment needs beyond the drain of the gateway: the process starts to stop, and has to end. */
const MARGIN_MS = 5000

const known = new Set(Object.values(settings).flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])))

const unknownIn = (env: Env): string[] => Object.keys(env).filter(name => !known.has(name))

/** The settings of a deployment, with values instead of the files of its secrets. */
const configOf = (env: Env) => {
  const plain = Object.entries(env).filter(([name]) => !name.endsWith('_FILE'))
  return loadConfig({
    ...Object.fromEntries(
      plain.map(([name, value]) => [name, value.replace(/\$\{(\w+)[^}]*\}/, 'storage.example.com')])
    ),
    SESSION_SECRET: 'a-secret-of-the-servers-too-long-to-guess'
  })
}

const compose = parse(readFileSync('deploy/compose.yml', 'utf8'), { merge: true })

t.test('compose.yml: valid settings, and time to drain', async t => {
  const { environment, stop_grace_period, read_only, cap_drop, mem_limit } = compose.services['gateway-1']
  t.same(unknownIn(environment), [])
  const { drainDelayMs, drainGraceMs, sessionStore } = configOf({
    ...environment,
    UPSTREAM_URL: 'https://api.hostkey.com/'
  })
  t.equal(sessionStore, 'redis')
  t.ok(Number.parseInt(stop_grace_period, 10) * 1000 >= drainDelayMs + drainGraceMs + MARGIN_MS, stop_grace_period)
  t.match({ read_only, cap_drop, mem_limit }, { read_only: true, cap_drop: ['ALL'], mem_limit: '256m' })
  t.match(compose.services.redis.command.join(' '), /--appendonly yes.*--maxmemory-policy noeviction/)
  for (const { volumes = [] } of Object.values<{ volumes?: string[] }>(compose.services)) {
    const [...own] = volumes.filter(volume => volume.startsWith('.')).map(volume => volume.split(':')[0] ?? '')
    for (const path of own) t.equal(globSync(`deploy/${path}`).length, 1, path)
  }
})

t.test('kubernetes: valid settings, time to drain, no privileges', async t => {
  const env = parseEnv(readFileSync('deploy/kubernetes/gateway.env', 'utf8')) as Env
  t.same(unknownIn(env), [])
  const { drainDelayMs, drainGraceMs } = configOf(env)
  const { resources } = parse(readFileSync('deploy/kubernetes/kustomization.yaml', 'utf8'))
  t.same(
    resources.toSorted(),
    globSync('*.yaml', { cwd: 'deploy/kubernetes' })
      .filter(file => file !== 'kustomization.yaml')
      .toSorted()
  )
  const [deployment] = parseAllDocuments(readFileSync('deploy/kubernetes/deployment.yaml', 'utf8')).map(each =>
    each.toJS()
  )
  const pod = deployment.spec.template.spec
  const [container] = pod.containers
  const pauseMs = Number(container.lifecycle.preStop.exec.command.at(-1)) * 1000
  t.ok(pod.terminationGracePeriodSeconds * 1000 >= pauseMs + drainDelayMs + drainGraceMs + MARGIN_MS)
  t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  t.match(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] }
  })
  t.equal(container.livenessProbe.httpGet.path, '/livez')
  t.equal(container.startupProbe.httpGet.path, '/readyz', 'a wrong setting of Redis stops a rollout')
  t.equal(container.readinessProbe.httpGet.path, '/livez', 'an outage of Redis does not empty the Service')
  const secrets = Object.entries(env).filter(([name]) => name.endsWith('_FILE'))
  for (const [, path] of secrets) t.ok(path.startsWith(container.volumeMounts[0].mountPath), path)
})

t.test('systemd: valid settings, and time to drain', async t => {
  const unit = readFileSync('deploy/systemd/hostkey-s3-gateway.service', 'utf8')
  const lines = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) => line.split(' '))
  const env = Object.fromEntries(lines.map(line => line.split('=') as [string, string]))
  t.same(unknownIn(env), [])
  const { drainDelayMs, drainGraceMs } = configOf({
    ...env,
    UPSTREAM_URL: 'https://api.hostkey.com/',
    PUBLIC_URL: 'https://storage.example.com/'
  })
  const stopMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1000
  t.ok(stopMs >= drainDelayMs + drainGraceMs + MARGIN_MS, `${stopMs}`)
})
