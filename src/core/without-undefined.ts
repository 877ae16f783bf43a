type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The same object without the members that are undefined: what HOSTKEY leaves out is left out, never invented. */
export const withoutUndefined = <T extends object>(members: T): Defined<T> =>
  // Removing undefined members is exactly what the type says.
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>
