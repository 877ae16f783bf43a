const SURROGATE = /[\ud800-\udfff]/

/**
 * Compares two texts by their UTF-8 bytes, the order in which S3 lists paths. The order of UTF-16 code units differs
 * only where there are surrogates.
 * @returns negative when `a` is before `b`
 */
export const byBytes = (a: string, b: string): number => {
  const isPlain = !SURROGATE.test(a) && !SURROGATE.test(b)
  return isPlain ? (a < b ? -1 : Number(a > b)) : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The first text after this one. */
export const after = (path: string): string => `${path}\u0000`

/** The first text after the folder and everything inside it. `0` follows the slash. */
export const afterFolder = (folder: string): string => `${folder.slice(0, -1)}0`
