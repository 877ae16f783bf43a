import { Type } from 'typebox'
import { action, matches } from '../../../../src/upstream/actions/action.ts'

const right = {
  name: 'rename_bucket',
  effect: 'write',
  params: Type.Object({ s3uid: Type.String() }),
  result: Type.Object({ message: Type.String(), count: Type.Optional(Type.Integer()) }),
  example: { message: 'Renamed' },
  failures: { 'bucket-exists': matches(/taken/, 'Name is taken') }
} as const

export const declared = action(right)

export const exampleOfAnotherType = action({
  ...right,
  example: { message: 204 } // TS2322
})

export const exampleWithoutAMember = action({
  ...right,
  example: {} // TS2741
})

export const unknownProblem = action({
  ...right,
  failures: { 'bucket-taken': matches(/taken/, 'Name is taken') } // TS2353
})

export const unknownProblemBesideAKnownOne = action({
  ...right,
  failures: {
    'bucket-exists': matches(/taken/, 'Name is taken'),
    'bucket-taken': matches(/taken/, 'Name is taken') // TS2322
  }
})

export const failureWithoutAnExample = action({
  ...right,
  failures: { 'bucket-exists': matches(/taken/) } // TS2554
})

export const unknownEffect = action({
  ...right,
  effect: 'delete' // TS2322
})

export const unknownOutcome = matches(/taken/, 'Name is taken', 'maybe') // TS2345

export const hiddenFailureThatIsNotNamed = action({
  ...right,
  refusalsInSuccess: ['forbidden'],
  findRefusal: ({ message }) => (message === '' ? 'bucket-exists' : undefined) // TS2322
})

export const hiddenFailureWithoutAName = action({
  ...right,
  findRefusal: ({ message }) => (message === '' ? 'nothing' : undefined) // TS2322
})
