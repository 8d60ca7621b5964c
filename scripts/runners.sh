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
payload="payload@3.90.2 @payloadcms/db-postgres@3.90.2"
strapi="@strapi/database@5.54.0 pg@8.16.3"
# What the part of @directus/api that runs migrations imports. All of its dependencies are 950 packages, and want Node.js 22.
directus_api=39.2.1
directus="knex@3.1.0 pg@8.16.3 @directus/env@6.3.0 @directus/format-title@13.0.0 @directus/memory@4.0.5 @directus/utils@13.5.5
	camelcase@8.0.0 fs-extra@11.3.2 ioredis@5.8.2 keyv@5.5.3 lodash-es@4.18.1 ms@2.1.3 nanoid@5.1.16 pino@9.7.0 pino-http@10.5.0
	pino-http-print@3.1.0 pino-pretty@13.1.2 snappy@7.3.3"
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

# npm_unpack PART PACKAGE VERSION adds a package without its dependencies to a directory.
npm_unpack() {
	[ ! -f "$dir/$1/node_modules/$2/package.json" ] || return 0
	mkdir -p "$dir/$1/node_modules/$2"
	archive=$(npm pack --silent --pack-destination "$dir/$1" "$2@$3")
	tar -xzf "$dir/$1/$archive" -C "$dir/$1/node_modules/$2" --strip-components=1
	rm "$dir/$1/$archive"
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
	npm_install payload "$payload"
	npm_install strapi "$strapi"
	npm_install directus "$directus"
	npm_unpack directus @directus/api "$directus_api"
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
