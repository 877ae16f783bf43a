import xxhash from 'xxhash-wasm'

const { create64, h64ToString } = await xxhash()

const LENGTH = 16

/** The version of a representation: 16 characters, 64 bits. No secret, so a fast hash; nobody gains from two that are alike. */
export const versionOf = h64ToString

/** Makes the same version of a representation that is given in pieces. */
export const createVersion = (): { add(piece: string): void; end(): string } => {
  const digest = create64()
  return {
    add: piece => {
      digest.update(piece)
    },
    end: () => digest.digest().toString(16).padStart(LENGTH, '0')
  }
}

/** The name under which a reply leaves the version of its text, if it is known. */
export const VERSION = 'version'

/** What may follow a version: the quote, and what servers that compress a reply put before it: `-gzip`, `--gzip`, `;br`. */
const END = /^(?:(?:-{1,2}|;)(?:gzip|br|deflate|zstd))?"$/

/**
 * `*` matches every version; else the header is a list, compared weakly: with or without `W/`, and whatever the coding.
 * @param tag with a version of `versionOf`
 */
export const isMatch = (ifNoneMatch: string | undefined, tag: string): boolean => {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true
  const start = tag.indexOf('"')
  const version = tag.slice(start, start + 1 + LENGTH)
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(
    ([one]) => one.startsWith(version) && END.test(one.slice(version.length))
  )
}
