import { Counter, type Registry } from 'prom-client'

interface CounterOptions<L extends string> {
  name: string
  help: string
  /** Every set of labels that can occur. */
  known: readonly Readonly<Record<L, string>>[]
}

/**
 * A counter that exists at 0 for every known set of labels: an alert on growth sees only what grows from a value that was
 * scraped before.
 */
export const createCounter = <const L extends string>(
  registry: Registry,
  { name, help, known }: CounterOptions<L>
): Counter<L> => {
  // Object.keys loses the names.
  const labelNames = Object.keys(known[0] ?? {}) as L[]
  const counter = new Counter({ name, help, labelNames, registers: [registry] })
  for (const labels of known) counter.inc(labels, 0)
  return counter
}
