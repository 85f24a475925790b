#!/bin/sh
# Changes where and how the HAProxy of CONFIG listens. It has no page of statistics, and its metrics are on
# PBA_HAPROXY_METRICS_HOST, by default loopback: Ray binds both to every address, and its admin socket, which
# has the statistics too, to every user. Callers are answered at PBA_HAPROXY_BIND where that is set, and over TLS where PBA_TLS_CERT is:
# the certificate's file, beside its key in PBA_TLS_KEY; with PBA_TLS_CLIENT_CA callers need a certificate of
# their own that one of these authorities has signed. HAProxy finds the files by links in CONFIG.tls, so no
# key is copied, and haproxy-certificates.lua loads them again when they change. PBA_HAPROXY_LOCAL is a socket
# of this user's alone that answers without TLS. X-Forwarded-For and -Proto are what HAProxy sees, whatever a
# caller sends. X-PBA-Client-Certificate is the certificate of the caller, after the secret that is in
# PBA_PROXY_SECRET_FILE: a replica believes nobody else. Called by haproxy-with-errors.sh: CONFIG.
set -eu
files="$1.tls"
link() { # FILE NAME
  case "$1" in
    /*) ln -sfn "$1" "$files/$2" ;;
    *) echo "PBA_TLS_CERT, PBA_TLS_KEY and PBA_TLS_CLIENT_CA are absolute here, but one is $1" >&2; exit 1 ;;
  esac
}
tls="" reload="" secure=""
if [ -n "${PBA_TLS_CERT:-}" ]; then
  mkdir -p "$files"
  rm -f "$files/client-ca.pem"
  link "$PBA_TLS_CERT" service.crt
  link "${PBA_TLS_KEY:?is the file of the key of PBA_TLS_CERT}" service.key
  tls=" ssl crt $files/service.crt ssl-min-ver TLSv1.2 alpn http/1.1 ciphers ECDHE+AESGCM:ECDHE+CHACHA20"
  if [ -n "${PBA_TLS_CLIENT_CA:-}" ]; then
    link "$PBA_TLS_CLIENT_CA" client-ca.pem
    tls="$tls ca-file $files/client-ca.pem verify required"
  fi
  socket="$(awk '$1 == "stats" && $2 == "socket" { print $3; exit }' "$1")"
  reload="    ssl-load-extra-del-ext
    lua-load $(cd "$(dirname "$0")" && pwd)/haproxy-certificates.lua $files $socket"
  secure=" if { ssl_fc }"
fi
certificate="    http-request del-header X-PBA-Client-Certificate"
if [ -n "${PBA_TLS_CLIENT_CA:-}" ] && [ -n "${PBA_PROXY_SECRET_FILE:-}" ]; then
  # HAProxy puts the secret in, from its environment: no file has it that others may read.
  certificate="$certificate
    http-request set-header X-PBA-Client-Certificate \"\${PBA_PROXY_SECRET}:%[ssl_c_der,base64]\" if { ssl_c_used }"
fi
bind="${PBA_HAPROXY_BIND:-}" metrics="${PBA_HAPROXY_METRICS_HOST:-127.0.0.1}"
local="${PBA_HAPROXY_LOCAL:+    bind unix@$PBA_HAPROXY_LOCAL mode 600}"
forwarded="    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
${secure:+    http-request set-header X-Forwarded-Proto https$secure
}    http-request del-header Forwarded
$certificate"
export bind metrics tls reload local forwarded
awk '
  function port(address) { sub(/^.*:/, "", address); return address }
  /^[a-z]/ { section = $1 " " $2 }
  section == "listen stats" { next }
  $1 == "bind" && section == "frontend prometheus" {
    print "    bind " ENVIRON["metrics"] ":" port($2); next
  }
  $1 == "bind" && section == "frontend http_frontend" {
    print "    bind " (ENVIRON["bind"] ? ENVIRON["bind"] : $2) ENVIRON["tls"]
    if (ENVIRON["local"]) print ENVIRON["local"]
    print ENVIRON["forwarded"]
    next
  }
  $1 == "stats" && $2 == "socket" { sub(/ mode 666 /, " mode 600 ") }
  { print }
  $1 == "nbthread" && ENVIRON["reload"] { print ENVIRON["reload"] }
' "$1" > "$1.listeners"
cat "$1.listeners" > "$1" # the same file, which Ray holds a lock beside
rm "$1.listeners"
