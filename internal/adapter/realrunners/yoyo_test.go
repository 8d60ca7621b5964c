package realrunners

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/yoyo"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// upYoyo runs yoyo in a directory with a yoyo.ini.
func upYoyo(t *testing.T) func(dir, url string) {
	t.Helper()
	program := pgservertest.VenvPath(t, "yoyo-9.0-psycopg2", "bin", "yoyo")
	return func(dir, url string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, "apply", "--batch", "--no-config-file", "--database", url, "migrations")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("yoyo apply: %v\n%s", err, out)
		}
	}
}

// ofYoyo matches what yoyo and its driver ask and record by themselves.
var ofYoyo = regexp.MustCompile(`(?i)yoyo|information_schema|^SAVEPOINT|pg_catalog|^SELECT (?:1|current_schema);?$`)

// withoutEmpty leaves out transactions without a statement, and ends of transactions without a beginning.
func withoutEmpty(list []string) (out []string) {
	open := false
	for _, sql := range list {
		ends := sql == "COMMIT" || sql == "ROLLBACK"
		switch n := len(out); {
		case ends && !open:
			continue
		case ends && out[n-1] == "BEGIN":
			out = out[:n-1]
		default:
			out = append(out, sql)
		}
		open = sql == "BEGIN" || open && !ends
	}
	return out
}

// TestYoyoStatements compares the statements of a project, and their transactions, with those that yoyo sends.
//
// Not parallel: it reads the end of the server's log.
func TestYoyoStatements(t *testing.T) {
	up := upYoyo(t)
	s := server(t)
	db, _ := database(t, s)
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("testdata/yoyo")); err != nil {
		t.Fatal(err)
	}
	up(root, overTCP(t, s, db))
	var sent, read []string
	for _, sql := range sentStatements(s, db) {
		if !ofYoyo.MatchString(sql) {
			sent = append(sent, strings.TrimSuffix(strings.TrimSpace(sql), ";"))
		}
	}
	tree := adaptertest.Disk(t, root)
	set := adaptertest.LoadOnly(t, yoyo.Adapter, tree)
	for _, m := range set.Migrations {
		if len(m.Opaque) > 0 || len(m.Problems) > 0 {
			t.Errorf("%s: opaque %v, problems %v, want none", m.ID, m.Opaque, m.Problems)
		}
		var list []string
		for _, p := range m.Source.Parts {
			if p.Message {
				list = append(list, strings.TrimSuffix(strings.TrimSpace(p.SQL), ";"))
			}
		}
		if len(list) == 0 {
			built, err := script.BuildScript(m.Source)
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range built.Statements {
				if st.Parent < 0 {
					list = append(list, strings.TrimSuffix(strings.TrimSpace(st.SQL), ";"))
				}
			}
		}
		if m.Source.Mode == onward.TransactionFile {
			list = append(append([]string{"BEGIN"}, list...), "COMMIT")
		}
		read = append(read, list...)
	}
	if diff := cmp.Diff(withoutEmpty(sent), read); diff != "" {
		t.Errorf("(-yoyo +onward):\n%s", diff)
	}
	t.Logf("%d statements", len(read))
}

// TestYoyoHistory runs what onward says about changed histories.
func TestYoyoHistory(t *testing.T) {
	t.Parallel()
	up := upYoyo(t)
	s := server(t)
	db, conn := database(t, s)
	root, url := t.TempDir(), overTCP(t, s, db)
	tables := func() (out string) {
		const query = `SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname !~ 'yoyo'`
		if err := conn.QueryRow(t.Context(), query).Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, c := range []struct {
		what  string
		files map[string]string
		gone  string
		want  string
	}{
		{"first", map[string]string{"migrations/2_a.sql": "CREATE TABLE a (id int);\n"}, "", "a"},
		{"edited: does not run again", map[string]string{"migrations/2_a.sql": "CREATE TABLE x (id int);\n"}, "", "a"},
		{"late: runs", map[string]string{"migrations/1_b.sql": "CREATE TABLE b (id int);\n"}, "", "a, b"},
		{"renamed: runs again", map[string]string{"migrations/3_a.sql": "CREATE TABLE x (id int);\n"}, "migrations/2_a.sql", "a, b, x"},
		{"deleted: does not notice", map[string]string{"migrations/4_c.sql": "CREATE TABLE c (id int);\n"}, "migrations/1_b.sql", "a, b, c, x"},
	} {
		write(t, root, c.files)
		if c.gone != "" {
			if err := os.Remove(root + "/" + c.gone); err != nil {
				t.Fatal(err)
			}
		}
		up(root, url)
		if got := tables(); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
