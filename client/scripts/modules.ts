import openapiTS, { astToString } from 'openapi-typescript'
import { parse } from 'yaml'
import { problemsModule } from './problems.ts'

const HEADER = '// Generated from openapi.yaml by `npm run generate`; do not edit.\n'

/** The generated modules of the client, by path: the types of the contract and its problems. */
export const clientModules = async (yaml: string): Promise<Record<string, string>> => ({
  'client/src/generated/schema.ts': HEADER + astToString(await openapiTS(yaml)),
  'client/src/generated/problems.ts': HEADER + problemsModule(parse(yaml))
})
