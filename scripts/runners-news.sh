#!/bin/sh
# Prints the releases of migration tools that are newer than the versions of docs/runners.md, and the rows that name none. It asks the
# registries of npm, PyPI, crates.io, Go, RubyGems and Maven through their own clients; a registry without its client is left out.
#
#   scripts/runners-news.sh [tool ...]    all tools, or some rows of the page
set -eu
cd "$(dirname "$0")/.."

# The tool's row, the registry, and the package there.
packages="
Django pypi Django
goose go github.com/pressly/goose/v3
golang-migrate go github.com/golang-migrate/migrate/v4
sqlx crates sqlx-cli
Flyway maven org.flywaydb:flyway-core
Liquibase maven org.liquibase:liquibase-core
Drizzle npm drizzle-orm
node-pg-migrate npm node-pg-migrate
Alembic pypi alembic
TypeORM npm typeorm
Knex npm knex
MikroORM npm @mikro-orm/migrations
Sequelize npm sequelize
Kysely npm kysely
Payload npm payload
Strapi npm @strapi/database
Directus npm @directus/api
yoyo pypi yoyo-migrations
dbmate npm dbmate
Supabase's_CLI npm supabase
Atlas go ariga.io/atlas
tern go github.com/jackc/tern/v2
sql-migrate go github.com/rubenv/sql-migrate
refinery crates refinery
pop go github.com/gobuffalo/pop/v6
Prisma npm prisma
graphile-migrate npm graphile-migrate
Diesel crates diesel_cli
Rails gems activerecord
"

# newest REGISTRY PACKAGE prints the newest release; nothing if the registry does not answer.
newest() {
	case $1 in
	npm) npm view "$2" version 2>/dev/null ;;
	pypi) python3 -m pip index versions "$2" --disable-pip-version-check 2>/dev/null | sed -n '1s/.*(\(.*\))/\1/p' ;;
	crates) cargo info --registry crates-io "$2" 2>/dev/null | sed -n 's/^version: \([^ ]*\).*/\1/p' ;;
	go) (cd / && GOFLAGS=-mod=mod go list -m -f '{{.Version}}' "$2@latest" 2>/dev/null) | sed 's/^v//' ;;
	gems) gem list --remote --exact "$2" 2>/dev/null | sed -n 's/.*(\([^ ,)]*\).*/\1/p' ;;
	maven)
		pom=$(mktemp -d)
		printf '%s' "<project><modelVersion>4.0.0</modelVersion><groupId>o</groupId><artifactId>o</artifactId><version>1</version><dependencies><dependency><groupId>${2%:*}</groupId><artifactId>${2#*:}</artifactId><version>0</version></dependency></dependencies></project>" >"$pom/pom.xml"
		mvn -B -f "$pom/pom.xml" versions:display-dependency-updates -DprocessDependencyManagement=false 2>/dev/null |
			tr '\n' ' ' | sed -n 's/.*-> *\([0-9][^ ]*\).*/\1/p'
		rm -rf "$pom"
		;;
	esac | head -n 1
}

# covers KNOWN NEW reports whether a known version, which may leave parts out, is the new one or newer.
covers() {
	case $2. in "$1".*) return 0 ;; esac
	[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]
}

echo "$packages" | while read -r tool registry package; do
	[ -n "$tool" ] || continue
	tool=$(echo "$tool" | tr _ ' ')
	if [ $# -gt 0 ]; then
		wanted=
		for name in "$@"; do [ "$name" != "$tool" ] || wanted=1; done
		[ -n "$wanted" ] || continue
	fi
	row=$(grep -F -e "| [$tool](" -e "| $tool |" docs/runners.md | head -n 1)
	look=$(printf '%s' "$row" | sed 's/.* | \([^|]*\) |$/\1/')
	[ -n "$look" ] || { echo "$tool has no row in docs/runners.md" >&2; exit 1; }
	day=${look##*· }
	known=$(printf '%s' "${look%·*}" | grep -oE '[0-9]+(\.[0-9]+)+(-[a-z]+[.0-9]*)?' | sort -V | tail -n 1 || true)
	new=$(newest "$registry" "$package") || true
	if [ -z "$new" ]; then
		echo "$tool: $registry does not answer"
	elif [ -z "$known" ]; then
		echo "$tool: no version is recorded ($day); $registry has $new"
	elif ! covers "$known" "$new"; then
		echo "$tool $known ($day): $registry has $new"
	fi
done
