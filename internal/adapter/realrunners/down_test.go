package realrunners

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
	gooseadapter "github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/onward"
)

// goose runs the down migration as the adapter describes it.
func TestGooseWayDown(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	ran := 0
	for range 20_000 {
		text := "-- +goose Up\nSELECT 0;\n"
		if random.IntN(8) == 0 {
			text = "-- +goose NO TRANSACTION\n" + text
		}
		text += "-- +goose Down\n"
		for range random.IntN(7) {
			text += lines[random.IntN(len(lines))] + "\n"
		}
		tree := adaptertest.Text(map[string]string{"00001_x.sql": text})
		s := adapter.Source{Framework: "goose"}
		set, err := gooseadapter.Adapter.Load(context.Background(), tree, s)
		if err != nil {
			t.Fatal(err)
		}
		m := set.Migrations[0]
		if len(m.Problems) > 0 {
			continue // what goose does then, it does with the up migration too
		}
		down, err := gooseadapter.Adapter.Down(tree, s, m)
		if err != nil || down == nil {
			t.Fatalf("%v, %v of\n%s", down, err, text)
		}
		got, err := runGoose(t, text, false)
		if err != nil {
			t.Fatalf("goose says %v of\n%s", err, text)
		}
		var want []string
		for _, p := range down.Parts {
			want = append(want, strings.TrimSpace(annotation.ReplaceAllString(p.SQL, "")))
		}
		if got = slicesDelete(got, ""); len(got) > 0 && got[0] == "BEGIN" {
			if down.Mode != onward.TransactionFile || got[len(got)-1] != "COMMIT" {
				t.Fatalf("goose opens a transaction, the adapter says %s of\n%s", down.Mode, text)
			}
			got = got[1 : len(got)-1]
		} else if len(got) > 0 && down.Mode != onward.TransactionNone {
			t.Fatalf("goose opens no transaction, the adapter says %s of\n%s", down.Mode, text)
		}
		if len(want)+len(got) == 0 {
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-adapter +goose):\n%s\nof\n%s", diff, text)
		}
		ran++
	}
	t.Logf("%d ran", ran)
	if ran < 1000 {
		t.Error("the random files show too little")
	}
}

// golang-migrate sends the down migration like the up migration: as one message, which is
// one transaction, and in pieces with x-multi-statement.
//
// Not parallel: it reads the server's log.
func TestMigrateWayDown(t *testing.T) {
	s := server(t)
	const down = "DROP INDEX i;\nDROP TABLE t;"
	for query, want := range map[string][]string{
		"":                       {down},
		"x-multi-statement=true": {"DROP INDEX i;", "DROP TABLE t;"},
	} {
		db, _ := database(t, s)
		dir := t.TempDir()
		files := map[string]string{"1_x.up.sql": "CREATE TABLE t (id int);\nCREATE INDEX i ON t (id);", "1_x.down.sql": down + "\n"}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		url := "pgx5" + strings.TrimPrefix(s.URL(db), "postgres")
		if query != "" {
			url += map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + query
		}
		m, err := migrate.New("file://"+dir, url)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Up(); err != nil {
			t.Fatal(err)
		}
		if err := m.Down(); err != nil {
			t.Fatal(err)
		}
		if e1, e2 := m.Close(); e1 != nil || e2 != nil {
			t.Errorf("close golang-migrate: source %v, database %v", e1, e2)
		}
		var sent []string
		for _, text := range messages(s, db) {
			if text = strings.TrimSpace(text); strings.HasPrefix(text, "DROP") {
				sent = append(sent, text)
			}
		}
		source := adapter.Source{Framework: golangmigrate.Name}
		if query != "" {
			source.Options.Transaction = onward.TransactionNone
		}
		tree := adaptertest.Text(files)
		way, err := golangmigrate.Adapter.Down(tree, source, readMigrate(t, tree, source).Migrations[0])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range way.Parts {
			got = append(got, p.SQL)
		}
		if diff := cmp.Diff(got, sent); diff != "" {
			t.Errorf("%q (-adapter +server):\n%s", query, diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +adapter):\n%s", query, diff)
		}
	}
}
