/** Node's flags for the gateway's process. */
export function nodeFlags(env: NodeJS.ProcessEnv): string[]
/** Of the sources below a folder: a change in any of them changes it. */
export function digestOf(root: string): string
/** Variables of its environment that matter before it starts. */
export const ENVIRONMENT: Readonly<Record<string, string>>
