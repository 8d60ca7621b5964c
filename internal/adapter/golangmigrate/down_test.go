package golangmigrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

func TestDown(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"1_a.up.sql": "SELECT 1;", "1_a.down.sql": "\nSELECT 2;\nSELECT 3;\n",
		"2_b.up.sql": "SELECT 1;",
		"3_c.up.sql": "SELECT 1;", "3_c.down.sql": "\xff\xfeS\x00",
		"4_d.up.sql": "SELECT 1;", "4_d.down.sql": "DO $$ BEGIN PERFORM 1; END; $$;",
	})
	for mode, want := range map[onward.Transaction][]script.Part{
		onward.TransactionMessage: {{SQL: "SELECT 2;\nSELECT 3;", Start: 1}},
		onward.TransactionNone:    {{SQL: "SELECT 2;", Start: 1, Message: true}, {SQL: "SELECT 3;", Start: 11, Message: true}},
	} {
		s := adapter.Source{Framework: Name, Options: adapter.Options{Transaction: mode}}
		set, err := Adapter.Load(t.Context(), tree, s)
		if err != nil {
			t.Fatal(err)
		}
		down, err := Adapter.Down(tree, s, set.Migrations[0])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, down.Parts); diff != "" || down.Mode != mode {
			t.Errorf("mode %s, want %s (-want +got):\n%s", down.Mode, mode, diff)
		}
		body, err := Adapter.Down(tree, s, set.Migrations[3])
		if err != nil || (mode == onward.TransactionNone) != (len(body.Parts) == 3) {
			t.Errorf("a body, mode %s: %+v, %v", mode, body, err)
		}
		if down, err := Adapter.Down(tree, s, set.Migrations[1]); down != nil || err != nil {
			t.Errorf("without a file: %+v, %v", down, err)
		}
		if down, err := Adapter.Down(tree, s, set.Migrations[2]); down != nil || err == nil {
			t.Errorf("a file in UTF-16 is no error: %+v", down)
		}
	}
}

// A project whose own runner knows the names of golang-migrate may have migrations in Go: they are no SQL.
func TestMigrationsInGo(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{"1_a.up.sql": "SELECT 1;", "2_b.up.go": "package migrations\n\nfunc b() {}\n"})
	set, err := Adapter.Load(t.Context(), tree, adapter.Source{Framework: Name})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(set.Migrations[0].Opaque); n != 0 {
		t.Errorf("an SQL file has %d places that are not judged", n)
	}
	m := set.Migrations[1]
	if len(m.Opaque) != 1 || m.Opaque[0].What != "migration written in Go" || len(m.Source.Parts) != 0 || len(m.Problems) != 0 {
		t.Errorf("the migration in Go reads as %+v, want it opaque, without statements and problems", m)
	}
}
