import { createClient, isProblem } from '@hostkey-s3-gateway/client'

/**
 * The typed client in Node: lists buckets and files, counts them, handles a problem and deletes a file. The compiler
 * checks paths, queries and bodies; try `bukets` in one of them.
 *
 * GATEWAY    address of the gateway; default http://127.0.0.1:8080
 * TOKEN      HOSTKEY token or service credential
 * BUCKET     bucket to list; default the first one
 * FILE       file to delete; default none
 */
const { GATEWAY: baseUrl = 'http://127.0.0.1:8080', TOKEN: token, BUCKET, FILE } = process.env

/** A bucket may hold millions of files. */
const SHOWN = 3

const main = async (token: string) => {
  const gateway = createClient({ baseUrl, token })

  const { items: accounts } = await gateway.GET('/accounts')
  const [account] = accounts
  if (!account) return console.log('The customer has no account yet.')
  const { s3uid } = account

  const { items: buckets } = await gateway.GET('/accounts/{s3uid}/buckets', {
    params: { path: { s3uid }, query: { expand: 'usage' } }
  })
  console.log(`Buckets of ${s3uid}:`)
  for (const { name, storageBytes = 0 } of buckets) console.log(`  ${name}  ${storageBytes} bytes`)
  const bucket = BUCKET ?? buckets[0]?.name
  if (bucket === undefined) return

  // By pages. Each page is requested when the loop needs it, so stopping early is cheap.
  console.log(`The first files of ${bucket}:`)
  let shown = 0
  for await (const { path, sizeBytes = 0 } of gateway.allFiles(s3uid, bucket)) {
    console.log(`  ${JSON.stringify(path)}  ${sizeBytes} bytes`)
    if (++shown === SHOWN) break
  }

  console.log('At its root:')
  const seen = { files: 0, folders: 0 }
  for await (const { file } of gateway.folder(s3uid, bucket, '')) {
    if (file) seen.files += 1
    else seen.folders += 1
  }
  console.log(`  ${seen.files} files, ${seen.folders} folders`)
  const { files, storageBytes } = await gateway.summary(s3uid, bucket, '')
  console.log(`In all folders: ${files} files, ${storageBytes} bytes`)

  await showProblem(gateway, s3uid)
  if (FILE !== undefined) await remove(gateway, s3uid, bucket, FILE)
}

type Gateway = ReturnType<typeof createClient>

/** The name of a problem narrows its type: the status of bucket-not-found is 404. */
const showProblem = async (gateway: Gateway, s3uid: string) => {
  try {
    for await (const _ of gateway.filePages(s3uid, 'no-such-bucket')) break
  } catch (error) {
    if (!isProblem(error, 'bucket-not-found')) throw error
    const status: 404 = error.status
    console.log(`Problem ${error.name} (${status}): ${error.title}. Request ${error.instance}`)
  }
}

/** Deletes exactly this path: `a/../b` is a valid path. */
const remove = async (gateway: Gateway, s3uid: string, bucket: string, path: string) => {
  try {
    await gateway.deleteFile(s3uid, bucket, path)
    console.log(`Deleted ${JSON.stringify(path)}`)
  } catch (error) {
    if (!isProblem(error, 'file-not-found')) throw error
    console.log(`No such file: ${JSON.stringify(path)}`)
  }
}

/** A failure for people, with the id of the request for support. */
const describe = (error: unknown): string =>
  isProblem(error) ? `${error.title}: ${error.message} (${error.name}, request ${error.instance})` : String(error)

if (token === undefined) {
  console.error('Set TOKEN to a HOSTKEY token; `npm start` prints a demo token.')
  process.exitCode = 1
} else {
  try {
    await main(token)
  } catch (error) {
    console.error(describe(error))
    process.exitCode = 1
  }
}
