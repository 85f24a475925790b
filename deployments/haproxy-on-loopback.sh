#!/bin/sh
# Runs HAProxy with its statistics and metrics pages on loopback; Ray binds both to every address.
# Called as Ray calls HAProxy: -db -f CONFIG …
set -eu
sed -i -E 's/^( *bind) \*?:([0-9]+)/\1 127.0.0.1:\2/' "$3"
exec "$PBA_HAPROXY_BINARY" "$@"
