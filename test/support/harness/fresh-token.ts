import type { Sandbox } from '../../../src/sandbox/index.ts'

/** Another token of the demo customer, which no gateway has seen: nothing is cached for it. */
export const freshToken = async ({ url, demo }: Sandbox): Promise<string> =>
  tokenFor(url, { user: demo.email, password: demo.password })

/** A token from the sandbox itself. */
export const tokenFor = async (url: string, credential: { user: string; password: string }): Promise<string> => {
  const body = new URLSearchParams({ action: 'whmcslogin', ...credential })
  const reply = await fetch(`${url}auth.php`, { method: 'POST', body })
  const { result } = (await reply.json()) as { result: { token: string } }
  return result.token
}
