package rails_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/rails"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// TestStatements compares the statements that are read with those that Active Record sends: their text, their order, and the transactions.
func TestStatements(t *testing.T) {
	t.Parallel()
	adaptertest.NeedRuby(t, "activerecord")
	const dir = "testdata/statements"
	dbConfig, err := pgx.ParseConfig(pgservertest.Database(t, onward.NewestMajor))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ruby", "testdata/record.rb", dir)
	cmd.Env = append(os.Environ(), "PGHOST="+dbConfig.Host, fmt.Sprint("PGPORT=", dbConfig.Port), "PGUSER="+dbConfig.User, "PGDATABASE="+dbConfig.Database)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("record.rb: %v\n%s", err, exitOutput(err))
	}
	var sent map[string][]string
	if err := json.Unmarshal(out, &sent); err != nil {
		t.Fatal(err)
	}
	files := adaptertest.Files{"Gemfile.lock": []byte("GEM\n  specs:\n    activerecord (6.1.7.10)\n    pg (1.4.5)\n")}
	names, err := filepath.Glob(dir + "/*.rb")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files["db/migrate/"+filepath.Base(name)] = text
	}
	set, err := rails.Adapter{}.Load(t.Context(), files, adapter.Source{Framework: "rails", Dir: "db/migrate"})
	if err != nil || len(set.Migrations) != len(names) {
		t.Fatalf("%v, %d migrations", err, len(set.Migrations))
	}
	statements := 0
	for _, m := range set.Migrations {
		var want []string
		if opens := len(sent[m.Version]) > 0 && sent[m.Version][0] == "BEGIN"; opens != (m.Source.Mode == onward.TransactionFile) {
			t.Errorf("%s: mode %s, and Active Record opens a transaction: %t", m.ID, m.Source.Mode, opens)
		}
		for _, sql := range sent[m.Version] {
			if sql != "BEGIN" && sql != "COMMIT" {
				want = append(want, strings.TrimSpace(sql))
			}
		}
		var got []string
		for _, p := range m.Source.Parts {
			if p.Conditional && !slices.Contains(want[min(len(got), len(want)):], p.SQL) {
				continue // Active Record found that it need not
			}
			got = append(got, p.SQL)
		}
		for _, o := range m.Opaque {
			got = append(got, "not read: "+o.What)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-Active Record +onward):\n%s", m.ID, diff)
		}
		statements += len(want)
	}
	t.Logf("%d statements", statements)
}

// exitOutput returns what a process wrote before it failed.
func exitOutput(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
