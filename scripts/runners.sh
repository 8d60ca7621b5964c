#!/bin/sh
# Installs the migration tools that internal/adapter/realrunners holds onward
# against, as far as npm and Maven are there, under the user's cache directory.
# Quick when everything is there already. Prints the directory that holds them.
set -eu

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
dir="$cache/runners-1"
node="dbmate@2.36.0 node-pg-migrate@9.0.0 drizzle-orm@0.45.4 pg@8.16.3"
drizzle_directories="drizzle-orm@1.0.0-rc.4-fb12281 pg@8.16.3"
typeorm="typeorm@1.1.1 pg@8.16.3 reflect-metadata@0.2.2"
knex="knex@3.3.0 pg@8.16.3"
sequelize="sequelize@6.37.7 sequelize-cli@6.6.3 pg@8.16.3"
kysely="kysely@0.28.8 pg@8.16.3"
graphile="graphile-migrate@1.4.1"
mikro="@mikro-orm/core@6.6.16 @mikro-orm/postgresql@6.6.16 @mikro-orm/migrations@6.6.16"
prisma="prisma@6.19.0 @prisma/adapter-pg@6.19.0"
flyway=11.14.1 liquibase=4.33.0
mkdir -p "$dir"

# without PART says what is not tested, and goes on: a machine need have neither.
without() { echo "runners.sh: no $1: what is said of $2 is not tested here" >&2; }

# npm_install PART "PACKAGES" "TOOLS" installs packages of npm into a directory. None of their scripts runs.
npm_install() {
	[ ! -f "$dir/$1/.complete" ] || return 0
	rm -rf "${dir:?}/$1"
	mkdir -p "$dir/$1"
	# shellcheck disable=SC2086 # the packages are separate words
	if command -v npm >/dev/null && npm install --prefix "$dir/$1" --no-audit --no-fund --no-save --ignore-scripts --silent $2 >&2; then
		touch "$dir/$1/.complete"
	else
		without npm "$3"
	fi
}

npm_install node "$node" "dbmate, node-pg-migrate and Drizzle"
npm_install drizzle-1 "$drizzle_directories" "Drizzle 1.0"
npm_install typeorm "$typeorm" TypeORM
npm_install knex "$knex" Knex
npm_install sequelize "$sequelize" Sequelize
npm_install kysely "$kysely" Kysely
npm_install mikro-orm "$mikro" MikroORM
npm_install graphile-migrate "$graphile" graphile-migrate
# With an adapter Prisma runs its schema engine as WebAssembly, which is in the package: no
# script of it need run to fetch another.
npm_install prisma "$prisma" Prisma

if [ ! -f "$dir/java/.complete" ]; then
	rm -rf "$dir/java"
	mkdir -p "$dir/java"
	cat >"$dir/java/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>onward</groupId><artifactId>runners</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.flywaydb</groupId><artifactId>flyway-database-postgresql</artifactId><version>$flyway</version></dependency>
    <dependency><groupId>org.liquibase</groupId><artifactId>liquibase-core</artifactId><version>$liquibase</version></dependency>
    <dependency><groupId>org.postgresql</groupId><artifactId>postgresql</artifactId><version>42.7.7</version></dependency>
  </dependencies>
</project>
POM
	if command -v mvn >/dev/null && command -v javac >/dev/null &&
		mvn -q -B -f "$dir/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/java/lib" >&2; then
		touch "$dir/java/.complete"
	else
		without "Maven or JDK" "Flyway and Liquibase"
	fi
fi

echo "$dir"
