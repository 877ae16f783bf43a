#!/usr/bin/env bash
# A tour of the gateway with curl only. It fails at the first unexpected status.
#
#   GATEWAY      address of the gateway; default http://127.0.0.1:8080
#   TOKEN        HOSTKEY token; `npm start` prints a demo token
#   API_KEY      credential of the login; default TOKEN, which the logout then ends
#   ACCOUNT, BUCKET   what to list; default those of the sandbox
#   FILE         file to delete; default one of the sandbox
#   PLAN         plan of the order; default 2
#   PLACE_ORDER  `yes` places the order, which bills; otherwise it is only validated
set -euo pipefail

GATEWAY=${GATEWAY:-http://127.0.0.1:8080}
TOKEN=${TOKEN:?set TOKEN to a HOSTKEY token}
API_KEY=${API_KEY:-}
ACCOUNT=${ACCOUNT:-s3_user_1}
BUCKET=${BUCKET:-holiday-pictures}
FILE=${FILE:-a/../b}
# A new name for each run: the name may be taken.
NEW_BUCKET=tour-$(date +%s)-$$

folder=$(mktemp -d)
chmod 700 "$folder" # the cookie jar is in it
trap 'rm -rf "$folder"' EXIT

step() { printf '\n%s\n' "$*"; }
fail() {
  printf 'curl.sh: %s\n' "$*" >&2
  exit 1
}

# Credentials go through a file: every user of the machine can read the arguments of a process.
with_token() { printf 'header = "Authorization: Bearer %s"\n' "$TOKEN"; }
with_cookie() { printf 'header = "X-CSRF: 1"\ncookie = "%s"\ncookie-jar = "%s"\n' "$folder/jar" "$folder/jar"; }
credential() {
  if [[ -n $API_KEY ]]; then printf '{"apiKey":"%s"}' "$API_KEY"; else printf '{"token":"%s"}' "$TOKEN"; fi
}

# send <expected statuses, separated by |> <credential function> <method> <path> [curl arguments]
# Prints the status and leaves the reply in $folder.
send() {
  local expected=$1 authenticate=$2 method=$3 path=$4 status
  shift 4
  status=$(curl --silent --show-error --max-time 90 --config <("$authenticate") --request "$method" \
    --dump-header "$folder/head" --output "$folder/body" --write-out '%{http_code}' "$@" "$GATEWAY$path") ||
    fail "$method $path: no reply"
  printf '%s %s -> %s\n' "$method" "$path" "$status"
  [[ "|$expected|" == *"|$status|"* ]] || fail "expected $expected, not $status: $(head -c 1000 "$folder/body")"
}
# transfer <expected status> [curl arguments]: a request with the URL of the last reply, which is a credential too.
transfer() {
  local expected=$1 status
  shift
  printf 'url = "%s"\n' "$(member url)" >"$folder/url"
  status=$(curl --silent --show-error --max-time 90 --config "$folder/url" --output "$folder/body" \
    --write-out '%{http_code}' "$@") || fail 'the storage: no reply'
  printf 'storage -> %s\n' "$status"
  [[ $status == "$expected" ]] || fail "expected $expected, not $status: $(head -c 1000 "$folder/body")"
}
# Prints the start of the reply.
show() { head -c 400 "$folder/body" && echo; }
# Prints a string member at any depth. Use a JSON parser in a real program.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$folder/body"; }

json=(--header 'Content-Type: application/json')
files=/accounts/$ACCOUNT/buckets/$BUCKET/files

step 'The accounts of the customer'
send 200 with_token GET /accounts
show

step "The buckets of $ACCOUNT"
send 200 with_token GET "/accounts/$ACCOUNT/buckets"
show

step "The files of $BUCKET, page by page"
cursor='' pages=0
while :; do
  send 200 with_token GET "$files" --get --data-urlencode limit=100 ${cursor:+--data-urlencode "cursor=$cursor"}
  pages=$((pages + 1))
  cursor=$(member nextCursor)
  # At most 10 pages: a bucket may have millions of files.
  if [[ -z $cursor || $pages == 10 ]]; then break; fi
done
printf 'pages: %d\n' "$pages"

step "Delete the file whose path is exactly $FILE"
# --get and --data-urlencode put the path into the query: clients and proxies rewrite dots and slashes in a URL path.
# 404: an earlier tour deleted the file.
send '204|404' with_token DELETE "$files" --get --data-urlencode "path=$FILE"

step 'A failure is a problem with a name, and a page that explains it'
send 404 with_token GET "/accounts/$ACCOUNT/buckets/no-bucket-of-$NEW_BUCKET/files"
show
[[ $(member type) == */bucket-not-found ]] || fail 'expected the problem bucket-not-found'

step 'Create a bucket: its actual name is in the reply'
send 201 with_token POST "/accounts/$ACCOUNT/buckets" "${json[@]}" --data "{\"name\":\"$NEW_BUCKET\"}"
show
name=$(member name)
bucket=/accounts/$ACCOUNT/buckets/$name

step 'Upload a file to the storage, past the gateway, with a URL that the gateway signs'
printf 'hello from the tour\n' >"$folder/hello.txt"
target='"path":"in/hello.txt","contentType":"text/plain","contentLength":20'
# 501: the operator has not named the storage (STORAGE_ENDPOINTS).
send '201|501' with_token POST "$bucket/presigned-urls" "${json[@]}" --data "{\"operation\":\"upload\",$target}"
if [[ -n $(member url) ]]; then
  transfer 200 --upload-file "$folder/hello.txt" --header 'Content-Type: text/plain'
  step 'Download it in the same way'
  target='"path":"in/hello.txt","downloadName":"greeting.txt"'
  send 201 with_token POST "$bucket/presigned-urls" "${json[@]}" --data "{\"operation\":\"download\",$target}"
  transfer 200
  cmp "$folder/hello.txt" "$folder/body" || fail 'the download differs from the upload'
fi

step 'Empty the bucket: a job, its events until it ends, and what became of each file'
send 202 with_token POST "$bucket/file-deletions" "${json[@]}" --data "{\"all\":true,\"confirm\":\"$name\"}"
job=/jobs/$(member jobId)
send 200 with_token GET "$job/events"
show
grep -q '^event: end' "$folder/body" || fail 'the job has not ended'
send 200 with_token GET "$job/results"
show
send 204 with_token DELETE "$bucket"

step 'Validate an order without placing it'
order="{\"planId\":${PLAN:-2},\"bucketName\":\"$NEW_BUCKET\"}"
send 200 with_token POST /orders/checks "${json[@]}" --data "$order"
show

if [[ ${PLACE_ORDER:-} == yes ]]; then
  step 'Place an order twice with one Idempotency-Key: one account, one bill'
  key=(--header "Idempotency-Key: $NEW_BUCKET-order")
  send 201 with_token POST /orders "${json[@]}" "${key[@]}" --data "$order"
  show
  first=$(member s3uid)
  send 201 with_token POST /orders "${json[@]}" "${key[@]}" --data "$order"
  grep -i '^idempotency-replayed: true' "$folder/head" || fail 'the second reply is not a replay'
  [[ $(member s3uid) == "$first" ]] || fail 'the second order created another account'
fi

step 'Log in as a browser: the session cookie replaces the token'
credential | send 201 with_cookie POST /session "${json[@]}" --data @-
show
send 200 with_cookie GET /accounts

step 'Without X-CSRF the cookie is refused: pages of other sites cannot send it'
without_csrf() { printf 'cookie = "%s"\n' "$folder/jar"; }
send 403 without_csrf GET /accounts
show

step 'Log out'
send 204 with_cookie DELETE /session
send 401 with_cookie GET /accounts
show

step 'End of the tour.'
