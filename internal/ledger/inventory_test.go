package ledger_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

var update = flag.Bool("update", false, "write the inventory")

// The inventory is what the statements create, on each version.
func TestInventory(t *testing.T) {
	t.Parallel()
	pgservertest.OnEach(t, pgservertest.Majors(), func(t *testing.T, conn *pgx.Conn, major int) {
		pgservertest.Exec(t, conn, ledger.TableStatements()...)
		var got []string
		if err := live.AsOwn(t.Context(), conn, func() (err error) {
			got, err = ownschema.ReadInventory(t.Context(), conn, ledger.Schema)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(got, "\n") + "\n"
		if *update && major == pgservertest.Majors()[0] {
			if err := os.WriteFile("inventory.txt", []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile("inventory.txt")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Error(diff)
		}
	})
}
