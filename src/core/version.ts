import manifest from '../../package.json' with { type: 'json' }

/** The version in package.json, which openapi.yaml states. */
export const version: string = manifest.version
