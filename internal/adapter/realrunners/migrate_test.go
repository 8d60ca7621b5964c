package realrunners

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database/multistmt"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	_ "github.com/golang-migrate/migrate/v4/database/postgres"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
	"github.com/onward-sql/onward/onward"
)

func readMigrate(t *testing.T, tree adapter.Tree, s adapter.Source) *adapter.Set {
	t.Helper()
	s.Framework = golangmigrate.Name
	set, err := golangmigrate.Adapter.Load(context.Background(), tree, s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The names that golang-migrate takes, and their order.
func TestMigrateNames(t *testing.T) {
	t.Parallel()
	names := []string{
		"1_a.up.sql", "0002_b.up.sql", "10_c.up.sql", "9_d.up.sql", "3_.up.sql", "4_e.up.txt", "5_f.up.down.sql",
		"6.up.sql", "7-g.up.sql", "h_8.up.sql", "11_i.UP.sql", "12_j.sql", "13_k_größe mit blank.up.sql",
		"20240131120000_l.up.sql", "99999999999999999999_m.up.sql", "14_n.up.sql.bak", "15_o.down.sql", "0_p.up.sql",
	}
	fsys, tree := fstest.MapFS{}, adaptertest.Files{}
	for _, n := range names {
		fsys["m/"+n] = &fstest.MapFile{Data: []byte("SELECT 1;")}
		tree["m/"+n] = []byte("SELECT 1;")
	}
	d, err := iofs.New(fsys, "m")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for v, err := d.First(); err == nil; v, err = d.Next(v) {
		r, _, err := d.ReadUp(v)
		if err == nil {
			want = append(want, fmt.Sprint(v))
			r.Close()
		}
	}
	var got []string
	for _, m := range readMigrate(t, tree, adapter.Source{Dir: "m"}).Migrations {
		got = append(got, m.Version)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 8 {
		t.Errorf("(-golang-migrate +adapter):\n%s", diff)
	}
}

// What the adapter says of x-multi-statement is what golang-migrate sends.
func TestMigrateMultiStatement(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	same, cuts := 0, 0
	for range 20_000 {
		text := ""
		for range random.IntN(7) {
			text += lines[random.IntN(len(lines))] + "\n"
		}
		var want []string
		err := multistmt.Parse(strings.NewReader(text), []byte(";"), 1<<20, func(m []byte) bool {
			if s := strings.TrimSpace(string(m)); s != "" {
				want = append(want, s)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		tree := adaptertest.Text(map[string]string{"1_x.up.sql": text})
		m := readMigrate(t, tree, adapter.Source{Options: adapter.Options{Transaction: onward.TransactionNone}}).Migrations[0]
		if len(m.Problems) > 0 {
			cuts++
			continue
		}
		same++
		var got []string
		for _, p := range m.Source.Parts {
			got = append(got, p.SQL)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-golang-migrate +adapter):\n%s\nof\n%s", diff, text)
		}
	}
	t.Logf("%d the same, %d cut wrongly", same, cuts)
	if same < 2000 || cuts < 2000 {
		t.Error("the random files show too little")
	}
}

// On a server: a file is one message, so a concurrent build works alone and
// nowhere else; what the adapter calls refused is refused.
func TestMigrateOnServer(t *testing.T) {
	t.Parallel()
	s := server(t)
	for _, driver := range []string{"postgres", "pgx5"} {
		for name, tc := range map[string]struct {
			text, query, want string
		}{
			"one statement":            {"CREATE INDEX CONCURRENTLY ON t (id);", "", ""},
			"behind a setting":         {"SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY ON t (id);", "", "cannot"},
			"behind a setting, multi":  {"SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY ON t (id);", "x-multi-statement=true", ""},
			"SET LOCAL works":          {"SET LOCAL lock_timeout = '1s';\nSELECT 1 / (current_setting('lock_timeout') = '1s')::int;", "", ""},
			"the first is rolled back": {"CREATE TABLE gone (id int);\nSELECT 1/0;", "", "division by zero"},
			"BEGIN of its own":         {"BEGIN;\nALTER TABLE t ADD COLUMN a int;\nCOMMIT;", "", ""},
			"body, multi":              {"DO $$ BEGIN PERFORM 1; END $$;", "x-multi-statement=true", "unterminated"},
			"byte order mark":          {"\ufeffSELECT 1;", "", "syntax error"},
			"NUL byte":                 {"SELECT 1;\x00", "", "invalid message format"},
		} {
			t.Run(driver+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx := context.Background()
				db, conn := database(t, s)
				if _, err := conn.Exec(ctx, "CREATE TABLE t (id int)"); err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "1_x.up.sql"), []byte(tc.text), 0o600); err != nil {
					t.Fatal(err)
				}
				url := driver + strings.TrimPrefix(s.URL(db), "postgres")
				if tc.query != "" {
					url += map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + tc.query
				}
				m, err := migrate.New("file://"+dir, url)
				if err != nil {
					t.Fatal(err)
				}
				err = m.Up()
				if e1, e2 := m.Close(); e1 != nil || e2 != nil {
					t.Error(errors.Join(e1, e2))
				}
				if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
					t.Errorf("golang-migrate says %v, want %q", err, tc.want)
				}
				var gone bool
				if err := conn.QueryRow(ctx, "SELECT to_regclass('gone') IS NULL").Scan(&gone); err != nil || !gone {
					t.Errorf("the message was no transaction: %v", err)
				}
			})
		}
	}
}
