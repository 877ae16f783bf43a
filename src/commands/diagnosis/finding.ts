/** How bad something is: the exit code of the command. */
export const severities = { ok: 0, unknown: 0, warning: 1, fault: 2 } as const

export type Severity = keyof typeof severities

/** The result of one check, in a sentence; a warning and a fault say what to mend. */
export interface Finding {
  severity: Severity
  subject: string
  detail: string
}

export const finding = (severity: Severity, subject: string, detail: string): Finding => ({ severity, subject, detail })

/** The worst severity as an exit code. */
export const exitCodeOf = (findings: readonly Finding[]): number =>
  Math.max(0, ...findings.map(({ severity }) => severities[severity]))
