#!/usr/bin/env bash
# Installs Laravel's migrator with its driver, as Debian has them: the statements that onward captures are compared with those in the
# server's log. Quick when they are there; a machine need not have them.
set -euo pipefail

if command -v php >/dev/null && php -r 'exit(extension_loaded("pdo_pgsql") && is_file("/usr/share/php/Illuminate/Events/autoload.php") ? 0 : 1);'; then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    php-cli php-pgsql php-illuminate-database php-illuminate-events php-illuminate-filesystem
  exit 0
fi
echo "laravel.sh: no Laravel: what is said of it is not tested here (Debian: php-cli, php-pgsql, php-illuminate-database)" >&2
