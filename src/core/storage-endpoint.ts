/** Where S3 clients reach the storage of one location. */
export interface StorageEndpoint {
  /** Region code of an account, such as `NL`. */
  location: string
  /** Storage type of its plan, such as `cold`; undefined: every type of the location that has no entry of its own. */
  storageType: string | undefined
  /** Origin, without a slash at the end. */
  url: string
  /** The region that is signed. */
  region: string
}
