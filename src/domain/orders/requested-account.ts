/** An account to be created: the same for a free and for a paid one. */
export interface RequestedAccount {
  planId: number
  /** Requested name of the first bucket: HOSTKEY may put a prefix before it. */
  bucketName: string
  location: string
}

/** An account that HOSTKEY has created. */
export interface ProvisionedAccount {
  s3uid: string
  /** Actual name of the first bucket; undefined while HOSTKEY does not list it. */
  bucket?: string
  /** HOSTKEY's message when it reported an error although the account exists. */
  error?: string
}
