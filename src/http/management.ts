import { fastify } from 'fastify'
import type { Metrics } from '../observability/metrics.ts'
import { boundConnections, LISTENER } from './listener.ts'

export interface ManagementOptions {
  metrics: Metrics
  isReady: () => Promise<boolean>
}

/** The listener for operators, separate from the public one: metrics and probes. */
export const buildManagement = ({ metrics, isReady }: ManagementOptions) => {
  const app = fastify({ logger: false, forceCloseConnections: true, ...LISTENER })
  boundConnections(app.server, () => metrics.connectionDropped('management'))
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  )
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const ready = await isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unready' })
  })
  return app
}
