import { Type } from 'typebox'
import { isProblemName } from '../schemas/problems.ts'
import { Status } from '../schemas/status.ts'
import { Problem } from '../src/core/problem.ts'
import { serviceAnswers } from '../src/http/answers.ts'
import { openOperation } from '../src/http/operation.ts'
import { problemPage } from '../src/http/problem-page.ts'
import type { Routes } from '../src/http/route.ts'

export interface ServiceOptions {
  /** False while the replica drains, or the store does not answer. */
  isReady: () => Promise<boolean>
}

const ProblemPath = Type.Object(
  { name: Type.String({ maxLength: 8192, description: 'Name of the problem.' }) },
  { additionalProperties: false }
)

const PROBE = openOperation({
  priority: 'essential',
  allowsHttp10: true,
  isAnsweredWhileDraining: true,
  ignoresUnknownQuery: true,
  countsByAddress: false
})
const PAGE = openOperation({
  priority: 'essential',
  allowsHttp10: false,
  isAnsweredWhileDraining: true,
  ignoresUnknownQuery: true
})

/** The gateway itself, open to everyone. */
export const serviceRoutes: Routes<ServiceOptions> = async (app, { isReady }) => {
  app.route({
    method: 'GET',
    url: '/livez',
    config: PROBE,
    schema: {
      operationId: 'getLiveness',
      summary: 'Check liveness',
      description: 'Replies 200 while the process runs.',
      tags: ['Service'],
      response: serviceAnswers({ 200: Status })
    },
    handler: async () => ({ status: 'ok' as const })
  })

  app.route({
    method: 'GET',
    url: '/readyz',
    config: PROBE,
    schema: {
      operationId: 'getReadiness',
      summary: 'Check readiness',
      description:
        'Replies 503 while this replica is draining or its store is unavailable. It does not depend on HOSTKEY.',
      tags: ['Service'],
      response: serviceAnswers({ 200: Status, 503: Status })
    },
    async handler(_request, reply) {
      return (await isReady()) ? { status: 'ok' as const } : reply.code(503).send({ status: 'unready' })
    }
  })

  app.route({
    method: 'GET',
    url: '/problems/:name',
    config: PAGE,
    schema: {
      operationId: 'getProblemPage',
      summary: 'Read the page of a problem',
      description: 'Returns an HTML page that explains the problem and says what to do.',
      tags: ['Service'],
      params: ProblemPath,
      response: serviceAnswers(
        {
          200: Type.Unsafe<string>({
            description: 'The page.',
            content: {
              'text/html': {
                schema: Type.String({ maxLength: 20000, pattern: '^<!doctype html>', description: 'HTML.' })
              }
            }
          })
        },
        'rate-limited',
        'route-not-found'
      )
    },
    async handler(request, reply) {
      const { name } = request.params
      if (!isProblemName(name)) throw new Problem('route-not-found', 'There is no such problem.')
      return reply.type('text/html; charset=utf-8').send(problemPage(name))
    }
  })
}
