import { createClient, isProblem } from '@hostkey-s3-gateway/client'

/**
 * The typed client in Node: what stands where, and a file that goes. Paths, queries and bodies are checked by the
 * compiler; try `bukets` in one of them.
 *
 * GATEWAY, TOKEN    where the gateway is, and a HOSTKEY token or the credential of a service
 * BUCKET            the bucket to walk through; the first one without it
 * FILE              the file to delete; none without it
 */
const { GATEWAY: baseUrl = 'http://127.0.0.1:8080', TOKEN: token, BUCKET, FILE } = process.env

/** So many names are shown; a bucket may hold millions. */
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

  // By pages, each asked for when the loop gets there: to stop early costs nothing.
  console.log(`The first files of ${bucket}:`)
  let shown = 0
  for await (const { path, sizeBytes = 0 } of gateway.files(s3uid, bucket)) {
    console.log(`  ${JSON.stringify(path)}  ${sizeBytes} bytes`)
    if (++shown === SHOWN) break
  }

  // As one stream, however long the list is: the way to see everything.
  const seen = { files: 0, folders: 0, bytes: 0 }
  for await (const { file } of gateway.streamFiles(s3uid, bucket)) {
    if (file) seen.files += 1
    else seen.folders += 1
    seen.bytes += file?.sizeBytes ?? 0
  }
  console.log(`At its root: ${seen.files} files, ${seen.folders} folders, ${seen.bytes} bytes`)

  await showProblem(gateway, s3uid)
  if (FILE !== undefined) await remove(gateway, s3uid, bucket, FILE)
}

type Gateway = ReturnType<typeof createClient>

/** A failure knows its name, and the name narrows the rest: here the status is 404, and no other number. */
const showProblem = async (gateway: Gateway, s3uid: string) => {
  try {
    for await (const _ of gateway.files(s3uid, 'a-bucket-that-is-not-there')) break
  } catch (error) {
    if (!isProblem(error, 'bucket-not-found')) throw error
    const status: 404 = error.status
    console.log(`Problem ${error.name} (${status}): ${error.title}. Request ${error.instance}`)
  }
}

/** Exactly this path: `a/../b` is a file like any other. */
const remove = async (gateway: Gateway, s3uid: string, bucket: string, path: string) => {
  try {
    await gateway.deleteFile(s3uid, bucket, path)
    console.log(`Deleted ${JSON.stringify(path)}`)
  } catch (error) {
    if (!isProblem(error, 'file-not-found')) throw error
    console.log(`There is no ${JSON.stringify(path)}`)
  }
}

/** What a person is told of a failure: in words, with the id that support asks for. */
const inWords = (error: unknown): string =>
  isProblem(error) ? `${error.title}: ${error.message} (${error.name}, request ${error.instance})` : String(error)

if (token === undefined) {
  console.error('Set TOKEN to a HOSTKEY token; `npm start` prints one of the sandbox.')
  process.exitCode = 1
} else {
  try {
    await main(token)
  } catch (error) {
    console.error(inWords(error))
    process.exitCode = 1
  }
}
