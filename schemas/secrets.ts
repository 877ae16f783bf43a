import { models } from './index.ts'

/** Does a value of this schema hold a credential, in a member that is marked with `x-secret`? */
export const holdsSecret = (schema: unknown): boolean => {
  if (typeof schema !== 'object' || schema === null) return false
  if ('x-secret' in schema) return true
  const model = '$ref' in schema ? models.find(({ $id }) => $id === String(schema.$ref).replace(/#$/, '')) : undefined
  return holdsSecret(model) || Object.values(schema).some(holdsSecret)
}
