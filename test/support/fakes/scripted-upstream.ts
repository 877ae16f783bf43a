import type { Lifetime } from '../harness/lifetime.ts'
import { serving } from '../harness/serving.ts'

/**
 * A HOSTKEY that says what a test puts into its mouth, for answers that the sandbox never gives.
 * @param answerTo members of a success; nonsense where there are none
 * @returns its address
 */
export const scriptedUpstream = (
  t: Lifetime,
  answerTo: (form: URLSearchParams) => object | undefined
): Promise<string> =>
  serving(t, async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const answer = answerTo(new URLSearchParams(form))
    response.end(answer ? JSON.stringify({ result: 'OK', ...answer }) : 'nonsense')
  })
