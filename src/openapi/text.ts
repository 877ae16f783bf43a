export const title = 'HOSTKEY S3 gateway'

/** Introduction of the document, and of the page at `/docs`. */
export const description = `A REST API for S3 accounts, buckets, files, keys and orders at HOSTKEY. The gateway validates each request, calls HOSTKEY’s \`s3.php\`
and replies with a true HTTP status. It does not transfer files: upload and download at the storage with a URL that \`createPresignedUrl\` signs, or with an S3 client.

**Try it here.**

1. Press *Log in with the demo key*, in front of the sandbox; else *Authorize*, and paste a HOSTKEY token. Or log in with \`POST /session\`.
2. Open an operation. Its parameters hold an example that works on the sandbox; what deletes or buys leaves one empty.
3. Press *Execute*. In front of the real HOSTKEY this reads, deletes and orders for real.

**Authentication** has four ways. *Browsers* log in with \`POST /session\`, keep a session cookie and send the header \`X-CSRF: 1\`;
the token stays in the gateway. *Third parties* send \`Authorization: Bearer <HOSTKEY token>\`; the gateway passes the token on and does not store it.
*Internal services* send \`Authorization: Bearer hks_…\`, a service credential of this gateway. *Partners and jobs* send
\`Authorization: Bearer hkt_…\`, a token that one of these has made with \`POST /tokens\` and that can do less. \`Authorization: Bearer\` takes precedence over a cookie.

**Scopes** are the permissions of a caller. \`GET /session\` lists them, and each operation names the scope that it needs (\`x-required-scope\`).

**Rate limits** apply for each address and each caller, and for some operations for each class (\`x-rate-class\`, by default \`read\`; a request counts \`x-rate-cost\` times, by default once).
The header \`RateLimit\` reports what is left. Each 429 and 503 says in \`Retry-After\` how long to wait.

**Failures** are \`application/problem+json\` (RFC 9457). \`name\` is stable, and \`type\` the address of a page that says what to do. An operation lists the statuses
that are its own, with the names of its problems (\`x-problems\`, by status); \`default\` has those that any operation can answer. Problems with \`errors\` or \`links\` have an example. \`retryable\` says whether the same request can be sent again. \`outcome\` reports the effect of a failed write.

**HTTP.** \`x-every-reply\` lists the headers of every reply. \`HEAD\` works wherever \`GET\` does, and \`OPTIONS\` lists the methods of a path. JSON over 1 KiB is compressed
with gzip or br if \`Accept-Encoding\` asks for it. \`Deprecation\` and \`Sunset\` announce the end of an operation.

**File paths** can contain any character. Delete a file with \`DELETE …/files?path=\`, or use \`links.self\` of the list. URL libraries resolve dot
segments in the path of a URL before they send it; the request then names something else.

**Examples** are replies of a gateway in front of the sandbox. \`x-varies\` names the members that differ at each run, \`x-example-request\`
the parameters of the request behind a reply, and those that the form of an operation that deletes or buys leaves empty, \`x-upstream-action\` the actions of HOSTKEY that an operation may call,
\`x-event-data\` the schema of the data of server-sent events, and \`x-enum-varnames\` the names that generators give to values.`

export const tags = [
  { name: 'Session', description: 'Login and logout, for browsers.' },
  { name: 'Tokens', description: 'Tokens that can do less than the credential that makes them.' },
  { name: 'Accounts', description: 'S3 accounts of the customer.' },
  { name: 'Buckets', description: 'The buckets of an account.' },
  { name: 'Files', description: 'The files in a bucket: list and delete.' },
  { name: 'Jobs', description: 'Deletions of many files, which go on without the caller.' },
  { name: 'Keys', description: 'The key pair of an account. Every read is recorded in the audit log.' },
  { name: 'Usage', description: 'Storage and traffic of an account.' },
  { name: 'Plans', description: 'Pricing plans and their history.' },
  { name: 'Orders', description: 'Orders of paid accounts.' },
  { name: 'Service', description: 'The gateway itself.' }
]
