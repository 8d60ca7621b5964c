#!/bin/sh
# Installs the migration tools that internal/adapter/realrunners holds onward
# against, as far as npm and Maven are there, under the user's cache directory.
# Quick when everything is there already. Prints the directory that holds them.
set -eu

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
dir="$cache/runners-1"
node="dbmate@2.36.0 node-pg-migrate@9.0.0 drizzle-orm@0.45.4 pg@8.16.3"
typeorm="typeorm@1.1.1 pg@8.16.3 reflect-metadata@0.2.2"
prisma="prisma@6.19.0 @prisma/adapter-pg@6.19.0"
flyway=11.14.1 liquibase=4.33.0
mkdir -p "$dir"

# without PART says what is not tested, and goes on: a machine need have neither.
without() { echo "runners.sh: no $1: what is said of $2 is not tested here" >&2; }

if [ ! -f "$dir/node/.complete" ]; then
	rm -rf "$dir/node"
	mkdir -p "$dir/node"
	# shellcheck disable=SC2086 # the packages are separate words
	if command -v npm >/dev/null && npm install --prefix "$dir/node" --no-audit --no-fund --no-save --ignore-scripts --silent $node >&2; then
		touch "$dir/node/.complete"
	else
		without npm "dbmate, node-pg-migrate and Drizzle"
	fi
fi

if [ ! -f "$dir/typeorm/.complete" ]; then
	rm -rf "$dir/typeorm"
	mkdir -p "$dir/typeorm"
	# shellcheck disable=SC2086 # the packages are separate words
	if command -v npm >/dev/null && npm install --prefix "$dir/typeorm" --no-audit --no-fund --no-save --ignore-scripts --silent $typeorm >&2; then
		touch "$dir/typeorm/.complete"
	else
		without npm TypeORM
	fi
fi

# With an adapter Prisma runs its schema engine as WebAssembly, which is in the package: no
# script of it need run to fetch another.
if [ ! -f "$dir/prisma/.complete" ]; then
	rm -rf "$dir/prisma"
	mkdir -p "$dir/prisma"
	# shellcheck disable=SC2086 # the packages are separate words
	if command -v npm >/dev/null && npm install --prefix "$dir/prisma" --no-audit --no-fund --no-save --ignore-scripts --silent $prisma >&2; then
		touch "$dir/prisma/.complete"
	else
		without npm Prisma
	fi
fi

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
