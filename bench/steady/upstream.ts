import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getBuckets } from '../../src/upstream/actions/buckets.ts'
import { deleteFile, getFiles } from '../../src/upstream/actions/files.ts'
import { listPlans } from '../../src/upstream/actions/plans.ts'

/** In the root: of a file in a folder the list would show the folder. */
const fileOf = (index: number) => {
  const key = `file-${index}.txt`
  return { ...getFiles.example.files[0], key, original_key: key }
}

/** Each action's example, the page of files with 100 entries. */
const results: Readonly<Record<string, object>> = {
  [getBuckets.name]: getBuckets.example,
  [getFiles.name]: { files: Array.from({ length: 100 }, (_, index) => fileOf(index)), folders: [] },
  [deleteFile.name]: deleteFile.example,
  [listPlans.name]: listPlans.example
}

/** An upstream in this process, which is not measured. @returns its address, and what closes it */
export const startUpstream = async () => {
  const server = createServer((request, response) => {
    let form = ''
    request.on('data', chunk => {
      form += chunk
    })
    request.on('end', () => {
      const action = new URLSearchParams(form).get('action') ?? ''
      const body = JSON.stringify({ result: 'OK', action, ...results[action] })
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}
