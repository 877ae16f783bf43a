/** Node's flags for the gateway's process. */
export function nodeFlags(env: NodeJS.ProcessEnv): string[]
