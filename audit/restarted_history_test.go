package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A team changes its runner: the new directory repeats what the old one had, and
// goes on. One finding says so; what it repeats is not judged again, and its schema
// is the deployed one for what follows.
func TestBeginsAnew(t *testing.T) {
	t.Parallel()
	const (
		users  = "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"
		orders = "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);\nCREATE INDEX orders_user ON orders (user_id);\n"
		index  = "CREATE INDEX users_name ON users (name);\n"
	)
	for name, tc := range map[string]struct {
		base, head string
		want       []string
		fact       string
	}{
		"numbers are times": {
			"-- prisma/migrations/20240101000000_users/migration.sql --\n" + users + "-- prisma/migrations/20240201000000_orders/migration.sql --\n" + orders +
				"-- prisma/migrations/migration_lock.toml --\nprovider = \"postgresql\"\n",
			"-- prisma/migrations/20240101000000_users/migration.sql --\n-- prisma/migrations/20240201000000_orders/migration.sql --\n" +
				"-- prisma/migrations/migration_lock.toml --\n" +
				"-- db/20240101000000_users.sql --\n-- +goose Up\n" + users + "-- db/20240201000000_orders.sql --\n-- +goose Up\n" + orders +
				"-- db/20240301000000_index.sql --\n-- +goose Up\n" + index,
			[]string{"error index-create-blocking 20240301000000_index.sql:2", "warning release-migration-deleted migration.sql:1"},
			"no migration is left in prisma/migrations (the base has 2); db begins anew, and its first 2 repeat them",
		},
		"one file has all": {
			"-- migrations/001_users.up.sql --\n" + users + "-- migrations/002_orders.up.sql --\n" + orders,
			"-- migrations/001_users.up.sql --\n-- migrations/002_orders.up.sql --\n-- db/migrate/00001_base.sql --\n-- +goose Up\n" + users + orders +
				"-- db/migrate/00002_index.sql --\n-- +goose Up\n" + index,
			[]string{"error index-create-blocking 00002_index.sql:2", "warning release-migration-deleted 001_users.up.sql:1"},
			"no migration is left in migrations (the base has 2); db/migrate begins anew, and its first one repeats them",
		},
		"what is there is left": {
			"-- migrations/001_users.up.sql --\n" + strings.Replace(users, "users", `"public"."users"`, 1) + "-- migrations/002_orders.up.sql --\n" + orders,
			"-- migrations/001_users.up.sql --\n-- migrations/002_orders.up.sql --\n-- db/migrate/00001_base.sql --\n-- +goose Up\n" +
				strings.Replace(users, "TABLE", "TABLE IF NOT EXISTS", 1) + strings.Replace(orders, "TABLE", "TABLE IF NOT EXISTS", 1) +
				"-- db/migrate/00002_index.sql --\n-- +goose Up\n" + index,
			[]string{"error index-create-blocking 00002_index.sql:2", "warning release-migration-deleted 001_users.up.sql:1"},
			"no migration is left in migrations (the base has 2); db/migrate begins anew, and its first one repeats them",
		},
		"a dump, whose tables are not its first lines": {
			"-- migrations/001_users.up.sql --\n" + users + "-- migrations/002_orders.up.sql --\n" + orders,
			"-- migrations/001_users.up.sql --\n-- migrations/002_orders.up.sql --\n-- db/migration/V202601__base.sql --\nSET statement_timeout = 0;\n\n" +
				"CREATE TYPE level AS ENUM ('a');\n" + users + orders + "-- db/migration/V202602__index.sql --\n" + index,
			[]string{"error index-create-blocking V202602__index.sql:1", "warning release-migration-deleted 001_users.up.sql:1"},
			"no migration is left in migrations (the base has 2); db/migration begins anew, and its first one repeats them",
		},
		"Flyway takes it for applied": {
			"-- migrations/001_users.up.sql --\n" + users + "-- migrations/002_orders.up.sql --\n" + orders,
			"-- migrations/001_users.up.sql --\n-- migrations/002_orders.up.sql --\n" +
				"-- src/main/resources/db/migration/V202601__base.sql --\n" + users + orders +
				"-- src/main/resources/db/migration/V202602__index.sql --\n" + index + "-- src/main/java/shop/MigrationRunner.java --\n" +
				"Flyway.configure().baselineVersion(\"202601\").baselineOnMigrate(true).load().migrate();\n",
			[]string{"error index-create-blocking V202602__index.sql:1", "info release-migration-deleted 001_users.up.sql:1"},
			"no migration is left in migrations (the base has 2); src/main/resources/db/migration begins anew, and its first one repeats them",
		},
		"Flyway takes an earlier one for applied": {
			"-- migrations/001_users.up.sql --\n" + users,
			"-- migrations/001_users.up.sql --\n-- src/main/resources/db/migration/V2__base.sql --\n" + users +
				"-- src/main/resources/application.properties --\nspring.flyway.baseline-on-migrate=true\n" +
				"-- src/test/java/FlywayTest.java --\nFlyway.configure().baselineVersion(\"2\").baselineOnMigrate(true);\n",
			[]string{"warning release-migration-deleted 001_users.up.sql:1"},
			"no migration is left in migrations (the base has 1); src/main/resources/db/migration begins anew, and its first one repeats them",
		},
		"another database takes its place": {
			"-- migrations/001_users.up.sql --\n" + users,
			"-- migrations/001_users.up.sql --\n-- db/00001_base.sql --\n-- +goose Up\nCREATE TABLE events (id bigint PRIMARY KEY);\n",
			[]string{"warning release-migration-deleted 001_users.up.sql:1"},
			"no migration is left in migrations (the base has 1)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tc.base, tc.head)})
			var got []string
			fact := ""
			for i, f := range found(r) {
				if !strings.Contains(f, "lock-timeout-missing") {
					got = append(got, f)
				}
				if strings.Contains(f, "migration-deleted") {
					fact = r.Findings[i].Fact
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if fact != tc.fact {
				t.Errorf("the fact is %q, want %q", fact, tc.fact)
			}
		})
	}
}
