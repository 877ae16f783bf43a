/** One kind of request that all servers get. */
export interface Workload {
  id: string
  title: string
  method: 'GET' | 'DELETE'
  /** `{n}` counts up to `distinct`, then starts again. */
  path: string
  distinct: number
  status: number
  /** How long the upstream waits before each reply. */
  upstreamMs: number
}

/** The goal of the gateway: CPU per request as a multiple of raw-pass, at most. */
export const GOALS: Readonly<Record<string, number>> = { W1: 1.7, W2: 2.4, W3: 1.4, W4: 0.6, W5: 0.7 }

export const CONNECTIONS = 50

/** Different accounts and files where nothing may be shared between requests; one account where it may. */
export const workloads: readonly Workload[] = [
  {
    id: 'W1',
    title: 'GET …/buckets, 0.5 kB, many accounts',
    method: 'GET',
    path: '/accounts/account_{n}/buckets',
    distinct: 1000,
    status: 200,
    upstreamMs: 0
  },
  {
    id: 'W2',
    title: 'GET …/files, 100 entries, many accounts',
    method: 'GET',
    path: '/accounts/account_{n}/buckets/photos/files',
    distinct: 1000,
    status: 200,
    upstreamMs: 0
  },
  {
    id: 'W3',
    title: 'DELETE …/files, each another file',
    method: 'DELETE',
    path: '/accounts/account_1/buckets/photos/files?path=reports%2F{n}.csv',
    distinct: 10_000_000,
    status: 204,
    upstreamMs: 0
  },
  {
    id: 'W4',
    title: 'GET /plans, which the gateway caches',
    method: 'GET',
    path: '/plans',
    distinct: 1,
    status: 200,
    upstreamMs: 0
  },
  {
    id: 'W5',
    title: 'GET …/buckets of one account, upstream 20 ms',
    method: 'GET',
    path: '/accounts/account_1/buckets',
    distinct: 1,
    status: 200,
    upstreamMs: 20
  }
]

/** @throws Error none has this name */
export const workloadOf = (id: string): Workload => {
  const found = workloads.find(workload => workload.id === id.toUpperCase())
  if (!found) throw new Error(`There is no workload ${id}: take one of ${workloads.map(each => each.id).join(', ')}.`)
  return found
}
