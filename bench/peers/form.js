/** The form of s3.php for a request to the gateway's API, by string work alone: nothing is checked. */
export const formOf = ({ method, url, headers }) => {
  const token = (headers.authorization ?? '').slice('Bearer '.length)
  const [path, query = ''] = url.split('?')
  const [, collection, s3uid, , bucket] = path.split('/')
  if (collection === 'plans') return `action=list_plans&token=${token}`
  if (bucket === undefined) return `action=get_buckets&token=${token}&s3uid=${s3uid}`
  const list = `token=${token}&s3uid=${s3uid}&bucket_name=${bucket}`
  if (method === 'DELETE') return `action=delete_file&${list}&filename=${query.slice('path='.length)}`
  return `action=get_files&${list}&max_keys=100`
}
