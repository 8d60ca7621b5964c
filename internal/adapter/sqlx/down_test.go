package sqlx

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Each way says for itself whether it runs in a transaction.
func TestDown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version, up, down string
		option, mode      onward.Transaction
	}{
		"in a transaction":          {"0.8", "SELECT 1;", "SELECT 2;", "", onward.TransactionFile},
		"only the up migration out": {"0.8", "-- no-transaction\nSELECT 1;", "SELECT 2;", "", onward.TransactionFile},
		"the down migration out":    {"0.8", "SELECT 1;", "-- no-transaction\nSELECT 2;", "", onward.TransactionMessage},
		"an sqlx without it":        {"0.7", "SELECT 1;", "-- no-transaction\nSELECT 2;", "", onward.TransactionFile},
		"configured":                {"0.8", "SELECT 1;", "SELECT 2;", onward.TransactionNone, onward.TransactionNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(map[string]string{
				"Cargo.toml":            "[dependencies]\nsqlx = \"" + tc.version + "\"\n",
				"migrations/1_a.up.sql": tc.up, "migrations/1_a.down.sql": tc.down,
				"migrations/2_b.sql": "SELECT 3;",
			})
			s := adapter.Source{Framework: Name, Dir: "migrations", Options: adapter.Options{Transaction: tc.option}}
			set, err := Adapter.Load(t.Context(), tree, s)
			if err != nil {
				t.Fatal(err)
			}
			down, err := Adapter.Down(tree, s, set.Migrations[0])
			if err != nil {
				t.Fatal(err)
			}
			want := &script.Source{Text: tc.down, Mode: tc.mode, LineComment: "--", Parts: []script.Part{{SQL: tc.down}}}
			if diff := cmp.Diff(want, down); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if down, err := Adapter.Down(tree, s, set.Migrations[1]); down != nil || err != nil {
				t.Errorf("without a file: %+v, %v", down, err)
			}
		})
	}
}
