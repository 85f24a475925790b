#!/bin/sh
# Runs haproxy-with-errors.sh, where it can be told so, only for as long as the Ray process that called it
# lives: HAProxy would else hold the port after a service that was killed. Called as Ray calls HAProxy:
# -db -f CONFIG …
set -eu
haproxy="$(dirname "$0")/haproxy-with-errors.sh"
if setpriv --pdeathsig TERM true 2>/dev/null; then
  exec setpriv --pdeathsig TERM "$haproxy" "$@"
fi
exec "$haproxy" "$@"
