/** Addresses of resources as callers see them: paths from the root of the server, mount point included. */
export interface Links {
  account(s3uid: string): string
  bucket(s3uid: string, bucket: string): string
  files(s3uid: string, bucket: string): string
  /** @param files address of the files of the bucket */
  file(files: string, path: string): string
  order(orderId: string): string
  readonly jobs: string
  job(jobId: string): string
  fileDeletions(s3uid: string, bucket: string): string
  /** The header `Link` to the next page of a list (RFC 8288). */
  nextPage(list: string, query: Record<string, string | number | boolean | undefined>): string
}

/** @param mount path under which callers see the API: empty, or `/something` */
export const createLinks = (mount: string): Links => {
  const account = (s3uid: string) => `${mount}/accounts/${encodeURIComponent(s3uid)}`
  const bucket = (s3uid: string, name: string) => `${account(s3uid)}/buckets/${encodeURIComponent(name)}`
  const files = (s3uid: string, name: string) => `${bucket(s3uid, name)}/files`
  return {
    account,
    bucket,
    files,
    file: (files, path) => `${files}?path=${encodeURIComponent(path)}`,
    order: orderId => `${mount}/orders/${orderId}`,
    jobs: `${mount}/jobs`,
    job: jobId => `${mount}/jobs/${jobId}`,
    fileDeletions: (s3uid, name) => `${bucket(s3uid, name)}/file-deletions`,
    nextPage(list, query) {
      const given = Object.entries(query).filter(([, value]) => value !== undefined)
      return `<${list}?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}>; rel="next"`
    }
  }
}
