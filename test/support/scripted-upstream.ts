import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What of tap's test object is used. */
interface Test {
  after(end: () => Promise<void>): unknown
}

/**
 * A HOSTKEY that says what a test puts into its mouth, for answers that the sandbox never gives.
 * @param answerTo members of a success; nonsense where there are none
 * @returns its address
 */
export const scriptedUpstream = async (
  t: Test,
  answerTo: (form: URLSearchParams) => object | undefined
): Promise<string> => {
  const server = createServer(async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const answer = answerTo(new URLSearchParams(form))
    response.end(answer ? JSON.stringify({ result: 'OK', ...answer }) : 'nonsense')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}
