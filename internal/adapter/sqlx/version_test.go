package sqlx_test

import (
	"context"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
	"github.com/onward-sql/onward/onward"
)

// A crate that implements sqlx's trait Migrate is assumed to send files with a concurrent build outside a transaction.
func TestOwnMigrate(t *testing.T) {
	t.Parallel()
	const concurrent = "SET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY ON t (id);\n"
	for name, c := range map[string]struct {
		rust, text string
		want       onward.Transaction
	}{
		"its own":             {"use sqlx::migrate::Migrate;\nimpl Migrate for Runner {}\n", concurrent, onward.TransactionNone},
		"another file":        {"use sqlx::migrate::Migrate;\nimpl Migrate for Runner {}\n", "ALTER TABLE t ADD c int;\n", onward.TransactionFile},
		"by the path":         {"impl<'a> sqlx::migrate::Migrate for Runner<'a> {}\n", concurrent, onward.TransactionNone},
		"sqlx's":              {"use sqlx::migrate::Migrate;\n", concurrent, onward.TransactionFile},
		"a trait of its name": {"impl Migrate for Runner {}\n", concurrent, onward.TransactionFile},
	} {
		tree := adaptertest.Text(map[string]string{
			"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n", "src/db/migrator.rs": c.rust, "migrations/1_a.sql": c.text,
		})
		set, err := sqlx.Adapter.Load(context.Background(), tree, adapter.Source{Framework: sqlx.Name, Dir: "migrations"})
		if err != nil {
			t.Fatal(err)
		}
		m := set.Migrations[0]
		if m.Source.Mode != c.want || m.Runner.Guessed != (c.want == onward.TransactionNone) {
			t.Errorf("%s: mode %s, want %s", name, m.Source.Mode, c.want)
		}
	}
}

// sqlx knows "-- no-transaction" from 0.8 on; an unknown version counts as a new one.
func TestMarkerByVersion(t *testing.T) {
	t.Parallel()
	for cargo, want := range map[string]onward.Transaction{
		"sqlx = \"0.8\"": onward.TransactionMessage,
		"sqlx = { version = \"=0.8.6\", features = [\"postgres\"] }": onward.TransactionMessage,
		"sqlx = { version = \"0.7.4\", features = [\"postgres\"] }":  onward.TransactionFile,
		"sqlx = \"^0.6\"":             onward.TransactionFile,
		"sqlx.workspace = true":       onward.TransactionMessage,
		"sqlx = { workspace = true }": onward.TransactionMessage,
		"sqlx = { git = \"https://github.com/launchbadge/sqlx\" }": onward.TransactionMessage,
		"sqlx = \"1\"": onward.TransactionMessage,
	} {
		tree := adaptertest.Text(map[string]string{
			"Cargo.toml":         "[dependencies]\n" + cargo + "\n",
			"migrations/1_a.sql": "-- no-transaction\nCREATE INDEX CONCURRENTLY ON t (id);\n",
		})
		set, err := sqlx.Adapter.Load(context.Background(), tree, adapter.Source{Framework: sqlx.Name, Dir: "migrations"})
		if err != nil {
			t.Fatal(err)
		}
		m := set.Migrations[0]
		if m.Source.Mode != want || (len(m.Problems) > 0) != (want == onward.TransactionFile) {
			t.Errorf("%s: mode %s, want %s; problems %+v", cargo, m.Source.Mode, want, m.Problems)
		}
	}
}
