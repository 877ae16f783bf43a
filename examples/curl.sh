#!/usr/bin/env bash
# A tour of the gateway with nothing but curl. It ends with the first answer that is not the expected one.
#
#   GATEWAY      where the gateway is (http://127.0.0.1:8080)
#   TOKEN        a HOSTKEY token; `npm start` prints the sandbox's
#   API_KEY      what to log in with; without it TOKEN, which then ends with the session
#   ACCOUNT, BUCKET, FILE   what to look at, and what to delete (those of the sandbox)
#   PLACE_ORDER  `yes` places an order, which bills; else it is only checked
set -euo pipefail

GATEWAY=${GATEWAY:-http://127.0.0.1:8080}
TOKEN=${TOKEN:?set TOKEN to a HOSTKEY token}
API_KEY=${API_KEY:-}
ACCOUNT=${ACCOUNT:-s3_user_1}
BUCKET=${BUCKET:-holiday-pictures}
FILE=${FILE:-a/../b}
# Most of an installation's bucket names are taken.
NEW_BUCKET=tour-$(date +%s)-$$

folder=$(mktemp -d)
chmod 700 "$folder" # the cookie jar is in it
trap 'rm -rf "$folder"' EXIT

step() { printf '\n%s\n' "$*"; }
fail() {
  printf 'curl.sh: %s\n' "$*" >&2
  exit 1
}

# By file, because the arguments of a program stand in the list of processes for everybody to read.
by_token() { printf 'header = "Authorization: Bearer %s"\n' "$TOKEN"; }
by_cookie() { printf 'header = "X-CSRF: 1"\ncookie = "%s"\ncookie-jar = "%s"\n' "$folder/jar" "$folder/jar"; }
credential() {
  if [[ -n $API_KEY ]]; then printf '{"apiKey":"%s"}' "$API_KEY"; else printf '{"token":"%s"}' "$TOKEN"; fi
}

# send <expected status, or several with | between> <door> <method> <path> [arguments of curl]: prints the status, leaves the reply in $folder.
send() {
  local expected=$1 door=$2 method=$3 path=$4 status
  shift 4
  status=$(curl --silent --show-error --max-time 90 --config <("$door") --request "$method" \
    --dump-header "$folder/head" --output "$folder/body" --write-out '%{http_code}' "$@" "$GATEWAY$path") ||
    fail "$method $path: no answer"
  printf '%s %s -> %s\n' "$method" "$path" "$status"
  [[ "|$expected|" == *"|$status|"* ]] || fail "expected $expected, not $status: $(head -c 1000 "$folder/body")"
}
# The beginning of the reply: lists are long.
show() { head -c 400 "$folder/body" && echo; }
# The text of a member at whatever depth. A program has a parser; for a tour this is enough.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$folder/body"; }

json=(--header 'Content-Type: application/json')
files=/accounts/$ACCOUNT/buckets/$BUCKET/files

step 'The accounts of the customer'
send 200 by_token GET /accounts
show

step "The buckets of $ACCOUNT"
send 200 by_token GET "/accounts/$ACCOUNT/buckets"
show

step "The files of $BUCKET, page by page"
cursor='' pages=0
while :; do
  send 200 by_token GET "$files" --get --data-urlencode limit=100 ${cursor:+--data-urlencode "cursor=$cursor"}
  pages=$((pages + 1))
  cursor=$(member nextCursor)
  # A bound: a bucket may have millions of files.
  if [[ -z $cursor || $pages == 10 ]]; then break; fi
done
printf 'pages: %d\n' "$pages"

step "Delete the file whose path is exactly $FILE"
# --get and --data-urlencode put the path into the query, where nobody takes dots and slashes out of it.
# 404: an earlier tour has deleted it.
send '204|404' by_token DELETE "$files" --get --data-urlencode "path=$FILE"

step 'A failure is a problem with a name, and a page that explains it'
send 404 by_token GET "/accounts/$ACCOUNT/buckets/no-bucket-of-$NEW_BUCKET/files"
show
[[ $(member type) == */bucket-not-found ]] || fail 'expected the problem bucket-not-found'

step 'A bucket is made, and deleted under its actual name'
send 201 by_token POST "/accounts/$ACCOUNT/buckets" "${json[@]}" --data "{\"name\":\"$NEW_BUCKET\"}"
show
send 204 by_token DELETE "/accounts/$ACCOUNT/buckets/$(member name)"

step 'An order that is only checked'
order="{\"planId\":${PLAN:-2},\"bucketName\":\"$NEW_BUCKET\"}"
send 200 by_token POST '/orders?validateOnly=true' "${json[@]}" --header "Idempotency-Key: $NEW_BUCKET-check" --data "$order"
show

if [[ ${PLACE_ORDER:-} == yes ]]; then
  step 'An order, sent twice with one Idempotency-Key: one account, one bill'
  key=(--header "Idempotency-Key: $NEW_BUCKET-order")
  send 201 by_token POST /orders "${json[@]}" "${key[@]}" --data "$order"
  show
  first=$(member s3uid)
  send 201 by_token POST /orders "${json[@]}" "${key[@]}" --data "$order"
  grep -i '^idempotency-replayed: true' "$folder/head" || fail 'the second answer is no replay'
  [[ $(member s3uid) == "$first" ]] || fail 'the second order made another account'
fi

step 'As a browser: log in, and keep a cookie instead of the token'
credential | send 201 by_cookie POST /session "${json[@]}" --data @-
show
send 200 by_cookie GET /accounts

step 'By cookie, but without X-CSRF: no page of another site gets in'
no_csrf() { printf 'cookie = "%s"\n' "$folder/jar"; }
send 403 no_csrf GET /accounts
show

step 'Log out'
send 204 by_cookie DELETE /session
send 401 by_cookie GET /accounts
show

step 'The tour is over.'
