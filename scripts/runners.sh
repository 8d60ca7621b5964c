#!/bin/sh
# Installs the migration tools that internal/adapter/realrunners holds onward against, under the user's cache directory.
# Quick if they are there.
#
#   scripts/runners.sh node   those of npm
#   scripts/runners.sh java   those of Maven
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
db_migrate="db-migrate@0.11.14 db-migrate-pg@1.5.2"
umzug="umzug@3.8.2 pg@8.16.3 knex@3.3.0 sequelize@6.37.7"
mikro="@mikro-orm/core@6.6.16 @mikro-orm/postgresql@6.6.16 @mikro-orm/migrations@6.6.16"
prisma="prisma@6.19.0 @prisma/adapter-pg@6.19.0"
flyway=11.14.1 liquibase=4.33.0
mkdir -p "$dir"

# npm_install PART "PACKAGES" installs packages of npm into a directory. None of their scripts runs.
npm_install() {
	[ ! -f "$dir/$1/.complete" ] || return 0
	rm -rf "${dir:?}/$1"
	mkdir -p "$dir/$1"
	# shellcheck disable=SC2086 # the packages are separate words
	npm install --prefix "$dir/$1" --no-audit --no-fund --no-save --ignore-scripts --silent $2 >&2
	touch "$dir/$1/.complete"
}

if [ "$1" = node ]; then
	npm_install node "$node"
	npm_install drizzle-1 "$drizzle_directories"
	npm_install typeorm "$typeorm"
	npm_install knex "$knex"
	npm_install sequelize "$sequelize"
	npm_install kysely "$kysely"
	npm_install mikro-orm "$mikro"
	npm_install graphile-migrate "$graphile"
	npm_install db-migrate "$db_migrate"
	npm_install umzug "$umzug"
	# With an adapter Prisma runs its schema engine as WebAssembly, which is in the package: no
	# script of it need run to fetch another.
	npm_install prisma "$prisma"
elif [ ! -f "$dir/java/.complete" ]; then
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
	mvn -q -B -f "$dir/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/java/lib" >&2
	touch "$dir/java/.complete"
fi
