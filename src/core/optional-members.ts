type Optional<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/**
 * The same object; members that may be undefined become optional. For objects that end as JSON or as a form: both leave
 * undefined members out, so none needs to be removed here.
 */
export const optionalMembers = <T extends object>(members: T): Optional<T> => members as Optional<T>
