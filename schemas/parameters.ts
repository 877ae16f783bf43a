import type { TSchema } from 'typebox'
import { annotate, describe } from './model.ts'
import type { ProblemName } from './problems.ts'
import { FilePath, IdempotencyKey, PROBLEMS, S3Uid } from './scalars.ts'

/** A problem with the detail that a caller reads. */
export interface NamedProblem {
  readonly name: ProblemName
  readonly detail: string
}

/** The problems that replace `invalid-request` when a parameter is the only fault of its part of the request. */
export interface ParameterProblems {
  /** It is missing or empty. */
  readonly missing?: NamedProblem
  readonly wrong?: NamedProblem
}

const refusedAs = <S extends TSchema>(schema: S, problems: ParameterProblems): S =>
  annotate(schema, { [PROBLEMS]: problems })

/** The file that a request deletes. */
export const FilePathParameter = refusedAs(FilePath, {
  missing: { name: 'file-path-required', detail: 'The request names no file.' },
  wrong: {
    name: 'file-path-encoding',
    detail: 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.'
  }
})

/** `Confirm-Delete`: the name of what the URL deletes. */
export const ConfirmDelete = refusedAs(describe(S3Uid, 'Name of the account, exactly as in the URL.'), {
  missing: {
    name: 'confirmation-required',
    detail: 'The header Confirm-Delete must repeat the name of what the URL deletes.'
  },
  wrong: { name: 'confirmation-mismatch', detail: 'The header Confirm-Delete does not name what the URL deletes.' }
})

/** `Idempotency-Key`, where an operation requires it. */
export const RequiredIdempotencyKey = refusedAs(IdempotencyKey, {
  missing: { name: 'idempotency-key-required', detail: 'The header Idempotency-Key is missing.' }
})
