/** No operation is here: where a request goes whose path cannot be read. */
export const UNREADABLE_PATH = '/unreadable%2Fpath'

/** Is the path of this target percent-encoded UTF-8? */
export const isReadable = (target: string): boolean => {
  try {
    decodeURIComponent(target.split(/[?#]/, 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}
