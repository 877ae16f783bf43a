import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { findProgram, needProgram } from '../../support/harness/debian.ts'

const run = promisify(execFile)

/** Of 10: what `systemd-analyze security` calls OK ends at 2. */
const MAX_EXPOSURE = 1.5

t.test('kustomize renders manifests whose selectors find the pods', async t => {
  // The kubectl of Debian 12 is too old for this file.
  const kubectl = findProgram('kubectl')
  if (!kubectl) {
    process.stdout.write('# SKIPPED: kubectl is not in PATH, the manifests were not rendered\n')
    return
  }
  const { stdout } = await run(kubectl, ['kustomize', 'deploy/kubernetes'])
  const objects = parseAllDocuments(stdout).map(each => each.toJS())
  const byKind = Map.groupBy(objects, ({ kind }) => kind)
  const [deployment] = byKind.get('Deployment') ?? []
  const labels = deployment.spec.template.metadata.labels
  t.match(labels, deployment.spec.selector.matchLabels)
  for (const { spec } of byKind.get('Service') ?? []) t.match(labels, spec.selector)
  t.match(labels, byKind.get('PodDisruptionBudget')?.[0].spec.selector.matchLabels)
  t.equal(byKind.get('HorizontalPodAutoscaler')?.[0].spec.scaleTargetRef.name, deployment.metadata.name)
  const [monitored] = (byKind.get('Service') ?? []).filter(({ metadata }) => metadata.labels.monitoring === 'gateway')
  t.match(monitored?.metadata.labels, byKind.get('ServiceMonitor')?.[0].spec.selector.matchLabels)
  const ports = deployment.spec.template.spec.containers[0].ports.map(({ name }: { name: string }) => name)
  for (const { spec } of byKind.get('Service') ?? []) {
    for (const { targetPort } of spec.ports) t.ok(ports.includes(targetPort), targetPort)
  }
  t.match(deployment.spec.template.spec.containers[0].envFrom[0].configMapRef.name, /^gateway-\w+$/)
})

t.test('the systemd unit is hardened', async t => {
  const program = await needProgram(['systemd-analyze'], 'systemd')
  const { stdout } = await run(program, ['security', '--offline=true', 'deploy/systemd/hostkey-s3-gateway.service'])
  const exposure = Number(/exposure level for .*: ([\d.]+)/.exec(stdout)?.[1])
  t.ok(exposure <= MAX_EXPOSURE, `${exposure}`)
  process.stdout.write(`# exposure of the systemd unit: ${exposure} of 10\n`)
})

t.test('Prometheus of the compose file reads its configuration', async t => {
  const promtool = await needProgram(['promtool'], 'prometheus')
  const { stdout } = await run(promtool, ['check', 'config', '--syntax-only', 'deploy/compose/prometheus.yml'])
  t.match(stdout, /SUCCESS/)
})
