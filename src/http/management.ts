import { fastify } from 'fastify'
import type { Metrics } from '../observability/metrics.ts'
import { answerHead } from './head.ts'
import { boundConnections, LISTENER } from './listener.ts'

/** What keeps the replica from being ready. */
export interface ReadinessFault {
  part: string
  cause: string
  detail: string
}

export interface ManagementOptions {
  metrics: { registry: { contentType: string; metrics(): Promise<string> } } & Pick<Metrics, 'connectionDropped'>
  findFaults: () => Promise<ReadinessFault[]>
}

/** The listener for operators, separate from the public one: metrics and probes. */
export const buildManagement = ({ metrics, findFaults }: ManagementOptions) => {
  const app = fastify({ logger: false, forceCloseConnections: true, ...LISTENER })
  boundConnections(app, { onDropped: () => metrics.connectionDropped('management') })
  answerHead(app)
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  )
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const faults = await findFaults()
    if (faults.length === 0) return { status: 'ok' }
    const reasons = faults.map(({ part, cause, detail }) => ({ part, cause, detail }))
    return reply.code(503).send({ status: 'unready', reasons })
  })
  return app
}
