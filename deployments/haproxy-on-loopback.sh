#!/bin/sh
# Runs haproxy-with-errors.sh on loopback and, for callers, on the addresses in PBA_HAPROXY_BIND (Ray
# binds its statistics and metrics pages to every address), and, where it can be told so, only for as
# long as the Ray process that called it lives: HAProxy would else hold the port after a service that
# was killed. Called as Ray calls HAProxy: -db -f CONFIG …
set -eu
sed -i -E \
  -e 's/^( *bind) \*?:([0-9]+)/\1 127.0.0.1:\2/' \
  -e "/^frontend http_frontend/,/^ *bind /s|^( *bind) .*|\1 $PBA_HAPROXY_BIND|" "$3"
haproxy="$(dirname "$0")/haproxy-with-errors.sh"
if setpriv --pdeathsig TERM true 2>/dev/null; then
  exec setpriv --pdeathsig TERM "$haproxy" "$@"
fi
exec "$haproxy" "$@"
