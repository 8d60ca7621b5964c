package sqlx_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
)

// A repository may hold a server's crate on Postgres and a client's on SQLite.
func TestEachCrateHasItsDatabase(t *testing.T) {
	t.Parallel()
	const pg, lite = "[dependencies]\nsqlx = { workspace = true, features = [\"postgres\"] }\n", "[dependencies]\nsqlx = { workspace = true, features = [\n" +
		"  \"migrate\",\n  \"sqlite\",\n] }\n"
	for _, c := range []struct {
		name, root string
		want       map[string]string
	}{
		{
			"a workspace that decides nothing", "[workspace.dependencies]\nsqlx = { version = \"0.8\" }\n",
			map[string]string{"server/migrations": "", "client/migrations": "SQLite"},
		},
		{
			"a workspace that decides for Postgres",
			"[workspace.dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n",
			map[string]string{"server/migrations": "", "client/migrations": ""},
		},
	} {
		tree := adaptertest.Text(map[string]string{
			"Cargo.toml": c.root, "server/Cargo.toml": pg, "client/Cargo.toml": lite,
			"server/migrations/1_a.sql": "CREATE TABLE a (id bigint);\n", "client/migrations/1_a.sql": "CREATE TABLE a (id integer);\n",
		})
		sources := sqlx.Adapter.Detect(tree)
		if len(sources) != len(c.want) {
			t.Errorf("%s: Detect finds %+v, want %d sources", c.name, sources, len(c.want))
		}
		for _, s := range sources {
			if want, ok := c.want[s.Dir]; !ok || s.Foreign != want {
				t.Errorf("%s: %s is for %q, want %q", c.name, s.Dir, s.Foreign, want)
			}
		}
	}
}

// The types of a crate's code, and of the file that names the directory, show the database that its features leave open.
func TestDatabaseOfTypes(t *testing.T) {
	t.Parallel()
	const open = "[dependencies]\nsqlx = { workspace = true }\n"
	tree := adaptertest.Text(map[string]string{
		"Cargo.toml":    "[workspace.dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\", \"sqlite\"] }\n",
		"kv/Cargo.toml": open, "kv/migrations/1_a.sql": "CREATE TABLE a (id integer);\n",
		"kv/src/store.rs": "use sqlx::sqlite::SqlitePool;\n", "kv/src/view.rs": "use client::database::Sqlite;\n",
		"chat/Cargo.toml": "[dependencies]\nsqlx = { workspace = true, features = [\"sqlite\"] }\n", "chat/migrations/1_a.sql": "CREATE TABLE a (id integer);\n",
		"chat/src/store.rs": "use sqlx::sqlite::SqlitePool;\n", "chat/src/view.rs": "use client::database::{Postgres, Sqlite};\n",
		"api/Cargo.toml": open, "api/migrations/1_a.sql": "CREATE TABLE a (id integer);\n", "api/src/store.rs": "use sqlx::PgPool;\n",
		"both/Cargo.toml": open, "both/cache-migrations/1_a.sql": "CREATE TABLE a (id integer);\n",
		"both/own-migrations/1_a.sql": "CREATE TABLE a (id integer);\n", "both/unnamed-migrations/1_a.sql": "CREATE TABLE a (id integer);\n",
		"both/src/database.rs": "async fn up(p: &sqlx::SqlitePool) { sqlx::migrate!(\"./cache-migrations\").run(p).await }\n",
		"both/src/db.rs":       "async fn up(p: &sqlx::PgPool) { sqlx::migrate!(\"./own-migrations\").run(p).await }\n",
	})
	got := map[string]string{}
	for _, s := range sqlx.Adapter.Detect(tree) {
		got[s.Dir] = s.Foreign
	}
	want := map[string]string{
		"kv/migrations": "SQLite", "chat/migrations": "SQLite",
		"api/migrations": "", "both/cache-migrations": "SQLite", "both/own-migrations": "", "both/unnamed-migrations": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
