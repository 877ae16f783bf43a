/** Node's flags for the gateway's process. */
export function nodeFlags(env: NodeJS.ProcessEnv): string[]
/** Variables of its environment that matter before it starts. */
export const ENVIRONMENT: Readonly<Record<string, string>>
