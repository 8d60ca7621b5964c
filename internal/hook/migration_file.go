package hook

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	// migrationDirs are directories of migrations by their names, whatever the language.
	migrationDirs = lazyregexp.New(`(?i)migrat|alembic|changelog|liquibase|flyway|evolutions|sqitch|changesets`)
	// databaseDirs have files of SQL that may be migrations.
	databaseDirs = lazyregexp.New(`(?i)^(db|database|sql|ddl|schema|schemas|versions|revisions|deploy|revert|patches|updates?|upgrades?|deltas?|` +
		`changes|supabase|prisma|drizzle|hasura|postgres|postgresql|pg)$`)
	// programs are endings of files that may be migrations.
	programs = lazyregexp.New(`(?i)\.(sql|ddl|pgsql|psql|pg|py|rb|php|[cm]?[jt]sx?|go|java|kts?|scala|exs?|cs|xml|ya?ml|` +
		`json|toml|hcl|plan|j2|jinja2?|tmpl|mustache|erb)$`)
	// statements matches DDL and DML in the text of a file.
	statements = lazyregexp.New(`(?i)\b(create|alter|drop|truncate|rename)\s+(unlogged\s+|unique\s+|temp\s+|or\s+replace\s+|materialized\s+)*` +
		`(table|index|view|schema|type|domain|sequence|function|procedure|trigger|policy|extension|column|role|database|publication)\b|` +
		`(?m)^\s*(update\s+\S+\s+set|delete\s+from|truncate|insert\s+into)\b`)
	// numbered matches the names of versioned files: V1__a.sql, 0001_a.sql, R__views.sql.
	numbered = lazyregexp.New(`(?i)^([VUR]?\d+[._-]|R__|\d+$)`)
	// markers are in the text of migrations as programs.
	markers = lazyregexp.New(`(?i)from alembic import|import alembic|migrations\.Migration\b|django\.db\.migrations|ActiveRecord::Migration|` +
		`Illuminate\\Database\\Migrations|MigrationInterface|goose\.Add|\+goose|use Ecto\.Migration|queryInterface|MigrationBuilder|` +
		`exports\.up\b|export (const|async function|function) up\b|databaseChangeLog|liquibase formatted|BaseJavaMigration|@ChangeSet|` +
		`AbstractMigration|extends Migration\b|migrate:up|Schema::(create|table)|pgm\.|knex\.schema`)
	configuredDir = lazyregexp.New(`(?m)^[\s-]*dir:\s*["']?([^"'#\n]+)`)
)

// mayBeMigration reports whether a file may be a migration, by its name and its texts. If in doubt it returns true;
// the decision follows from reading the repository.
func mayBeMigration(path string, texts ...string) bool {
	if base := filepath.Base(path); base == config.Name {
		return true
	}
	if isInConfiguredDir(path) {
		return true
	}
	if !programs.MatchString(path) {
		return false
	}
	isSQL := strings.HasSuffix(strings.ToLower(path), "sql") || strings.HasSuffix(strings.ToLower(path), ".ddl")
	if isSQL && numbered.MatchString(filepath.Base(path)) {
		return true
	}
	dirs := dirsInRepository(path)
	for _, part := range dirs {
		if migrationDirs.MatchString(part) || isSQL && databaseDirs.MatchString(part) {
			return true
		}
	}
	for _, text := range texts {
		if markers.MatchString(text) || isSQL && statements.MatchString(text) {
			return true
		}
	}
	return false
}

// dirsInRepository returns the directories of a path in its repository, or all if it is in none.
func dirsInRepository(path string) []string {
	var out []string
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			break
		}
		out = append(out, filepath.Base(dir))
	}
	return out
}

// isInConfiguredDir reports whether an onward.yaml names the directory of a file. The file is not parsed, so that a mistake
// in it matters only for migrations.
func isInConfiguredDir(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if data, err := os.ReadFile(filepath.Join(dir, config.Name)); err == nil {
			for _, m := range configuredDir.FindAllStringSubmatch(string(data), -1) {
				if rel, err := filepath.Rel(filepath.Join(dir, filepath.FromSlash(strings.TrimSpace(m[1]))), path); err == nil && filepath.IsLocal(rel) {
					return strings.TrimSpace(m[1]) != "." || programs.MatchString(path)
				}
			}
			return false
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
