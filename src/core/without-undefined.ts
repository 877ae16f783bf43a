type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** A copy without the undefined members: what HOSTKEY leaves out stays out of the reply. */
export const withoutUndefined = <T extends object>(members: T): Defined<T> =>
  // The type states what the filter does.
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>
