import type { Usage } from '../../../schemas/usage.ts'

/** Storage at an instant. */
export interface Measurement {
  storageBytes?: number
  /** RFC 3339. */
  createdAt?: string
}

export type Forecast = Pick<Usage, 'growthBytesPerDay' | 'daysUntilFull' | 'basis'>

const DAY_MS = 86_400_000
/** Older measurements say little of the growth of today. */
const WINDOW_MS = 90 * DAY_MS
const MIN_MEASUREMENTS = 3
/** A fall by so much of the storage is a purge: what was before it does not count. */
const PURGE_RATIO = 0.2
/** A slope is a trend when it is so many times its standard error. */
const MIN_CONFIDENCE = 2
/** Ten years: nobody plans beyond it. */
const MAX_DAYS = 3650

const NO_FORECAST: Forecast = { growthBytesPerDay: null, daysUntilFull: null, basis: null }

/**
 * Growth by least squares over the measurements since the last purge, of at most 90 days; null below three measurements or
 * a day. `daysUntilFull` is null without a quota, and where the storage does not grow clearly, or would last ten years.
 */
export const forecastOf = (
  { storageBytes, quotaBytes }: Pick<Usage, 'storageBytes' | 'quotaBytes'>,
  measurements: readonly Measurement[],
  now: number
): Forecast => {
  const points = pointsSincePurge(measurements, now)
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || points.length < MIN_MEASUREMENTS || last.at - first.at < DAY_MS) return NO_FORECAST
  const { slope, error } = slopeOf(points)
  const isGrowing = slope > 0 && slope >= MIN_CONFIDENCE * error
  const free = quotaBytes ? quotaBytes - (storageBytes ?? last.bytes) : undefined
  const days = free === undefined ? undefined : free <= 0 ? 0 : isGrowing ? Math.floor(free / slope) : undefined
  const instantOf = (at: number) => new Date(at).toISOString()
  return {
    growthBytesPerDay: Math.round(slope),
    daysUntilFull: days === undefined || days > MAX_DAYS ? null : days,
    basis: { snapshots: points.length, from: instantOf(first.at), to: instantOf(last.at) }
  }
}

interface Point {
  at: number
  bytes: number
}

/**
 * In the order of time, one for each instant. A clock that jumped leaves points in the future, or long before the others:
 * they do not count.
 */
const pointsSincePurge = (measurements: readonly Measurement[], now: number): Point[] => {
  const bytesAt = new Map<number, number>()
  for (const { createdAt, storageBytes } of measurements) {
    if (createdAt !== undefined && storageBytes !== undefined) bytesAt.set(Date.parse(createdAt), storageBytes)
  }
  const points = [...bytesAt]
    .map(([at, bytes]) => ({ at, bytes }))
    .filter(({ at }) => at <= now + DAY_MS)
    .sort((a, b) => a.at - b.at)
  const newest = points.at(-1)?.at ?? 0
  const recent = points.filter(({ at }) => at >= newest - WINDOW_MS)
  const purgedAt = recent.findLastIndex(({ bytes }, n) => bytes < (recent[n - 1]?.bytes ?? 0) * (1 - PURGE_RATIO))
  return recent.slice(Math.max(0, purgedAt))
}

/** Bytes a day by least squares, and the standard error of it. */
const slopeOf = (points: readonly Point[]): { slope: number; error: number } => {
  const start = points[0]?.at ?? 0
  const xs = points.map(({ at }) => (at - start) / DAY_MS)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const meanX = mean(xs)
  const meanY = mean(points.map(({ bytes }) => bytes))
  const sums = points.map(({ bytes }, n) => ({ dx: (xs[n] ?? 0) - meanX, dy: bytes - meanY }))
  const spread = sums.reduce((sum, { dx }) => sum + dx * dx, 0)
  const slope = sums.reduce((sum, { dx, dy }) => sum + dx * dy, 0) / spread
  const residual = sums.reduce((sum, { dx, dy }) => sum + (dy - slope * dx) ** 2, 0)
  return { slope, error: Math.sqrt(residual / (points.length - 2) / spread) }
}
