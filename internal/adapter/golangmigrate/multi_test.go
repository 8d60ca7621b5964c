package golangmigrate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
	"github.com/onward-sql/onward/onward"
)

// x-multi-statement is in the connection's URL, not in the files. It is found where
// repositories keep that URL, and the configuration overrides it.
func TestMultiStatement(t *testing.T) {
	t.Parallel()
	const file = "SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY ON t (id);\n"
	for name, tc := range map[string]struct {
		files map[string]string
		opt   onward.Transaction
		mode  onward.Transaction
		parts int
	}{
		"nothing said": {nil, "", onward.TransactionMessage, 1},
		"Makefile":     {map[string]string{"Makefile": "migrate -path m -database 'pgx5://h/db?x-multi-statement=true' up"}, "", onward.TransactionNone, 2},
		"off":          {map[string]string{"Makefile": "migrate -database 'pgx5://h/db?x-multi-statement=false' up"}, "", onward.TransactionMessage, 1},
		"compose": {
			map[string]string{"deploy/docker-compose.yml": "command: -database postgres://h/db?sslmode=disable&x-multi-statement=true"},
			"", onward.TransactionNone, 2,
		},
		"Go": {
			map[string]string{"internal/database/migrate.go": "pgx.WithInstance(db, &pgx.Config{\n\tMultiStatementEnabled: true,\n})"},
			"", onward.TransactionNone, 2,
		},
		"a test":    {map[string]string{"internal/database/migrate_test.go": "MultiStatementEnabled: true"}, "", onward.TransactionMessage, 1},
		"a module":  {map[string]string{"vendor/x/Makefile": "x-multi-statement=true"}, "", onward.TransactionMessage, 1},
		"overruled": {map[string]string{"Makefile": "x-multi-statement=true"}, onward.TransactionMessage, onward.TransactionMessage, 1},
		"said":      {nil, onward.TransactionNone, onward.TransactionNone, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(tc.files)
			tree["m/1_a.up.sql"] = []byte(file)
			set, err := golangmigrate.Adapter.Load(context.Background(), tree, adapter.Source{
				Framework: golangmigrate.Name, Dir: "m", Options: adapter.Options{Transaction: tc.opt},
			})
			if err != nil {
				t.Fatal(err)
			}
			m := set.Migrations[0]
			if m.Source.Mode != tc.mode || len(m.Source.Parts) != tc.parts || len(m.Problems) > 0 {
				t.Errorf("mode %s with %d parts, want %s with %d; problems %+v", m.Source.Mode, len(m.Source.Parts), tc.mode, tc.parts, m.Problems)
			}
		})
	}
}

// The file is cut at every ';', even inside a string or a body. The whole statement is
// judged, and the cut is a problem, once for each statement.
func TestMultiStatementCuts(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"1_a.up.sql": "SELECT 1;\nDO $$ BEGIN a(); b(); END $$;\n-- it; is\nSELECT ';';",
	})
	set, err := golangmigrate.Adapter.Load(context.Background(), tree, adapter.Source{
		Options: adapter.Options{Transaction: onward.TransactionNone},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := set.Migrations[0]
	var got []string
	for _, p := range m.Source.Parts {
		got = append(got, p.SQL)
	}
	if want := "SELECT 1;|DO $$ BEGIN a(); b(); END $$;|-- it; is\nSELECT ';';"; strings.Join(got, "|") != want {
		t.Errorf("parts %q", got)
	}
	if len(m.Problems) != 2 || m.Problems[0].Line != 2 || m.Problems[0].Column != 1 || m.Problems[1].Line != 4 {
		t.Errorf("problems %+v", m.Problems)
	}
}
