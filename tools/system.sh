#!/bin/sh
# Makes sure that programs of the operating system are there: installs them through apt as root,
# else says which are missing and how to get them.
# Usage: tools/system.sh venv|postgresql|chromium|gettext|softhsm2|age ...
set -eu

present() {
    case "$1" in
        venv) false ;;
        postgresql) command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 ;;
        chromium) [ -x /usr/bin/chromium ] ;;
        gettext) command -v xgettext > /dev/null ;;
        softhsm2) command -v softhsm2-util > /dev/null ;;
        age) command -v age > /dev/null ;;
    esac
}

missing=""
for name in "$@"; do
    present "$name" || missing="$missing $([ "$name" = venv ] && echo python3-venv || echo "$name")"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "Installing$missing …"
    # Debian's postgresql package would start a server of its own; the tests start theirs.
    mkdir -p /etc/postgresql-common && [ -e /etc/postgresql-common/createcluster.conf ] \
        || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 (one word for each package)
    if { apt-get update && apt-get install --yes --no-install-recommends $missing; } > "$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -20 "$log"
fi
echo "Missing on this machine:$missing. Install them, on Debian: apt install$missing" >&2
exit 1
