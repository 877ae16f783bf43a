import type { FastifySchema } from 'fastify'
import * as all from '../../../routes/index.ts'
import { type Outcomes, outcomesOf } from '../../../src/http/answers.ts'
import { type Operation, operationIn } from '../../../src/http/operation.ts'
import type { Router, Routes } from '../../../src/http/route.ts'

/** What the code says of an operation. */
export interface Declared {
  operation: Operation
  outcomes: Outcomes
}

/** Every operation of the route files by its id, without services: nothing of it is called. */
export const declaredOperations = async (): Promise<Map<string, Declared>> => {
  const found = new Map<string, Declared>()
  const router: Router = {
    route: ({ schema, config }: { schema?: FastifySchema & { operationId?: string }; config?: unknown }) => {
      const declared = { operation: operationIn(config), outcomes: outcomesOf(schema?.response) }
      found.set(schema?.operationId ?? '', declared)
    }
  }
  const files = Object.values<unknown>(all).flat()
  // Only handlers use the services.
  for (const routes of files) await (routes as Routes<object>)(router, {})
  return found
}
