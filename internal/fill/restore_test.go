package fill_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

const plainDump = `--
-- PostgreSQL database dump; with a semicolon
--
\restrict aBc123
SET transaction_timeout_of_tomorrow = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA public;
/* a /* nested; */ comment; */
CREATE FUNCTION public.f() RETURNS text LANGUAGE plpgsql AS $_$ BEGIN RETURN 'a;b' || $q$;$q$; END; $_$;
CREATE FUNCTION public.g(x integer) RETURNS integer LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN (g.x > 1) THEN 1 ELSE 2 END;
 SELECT 3;
END;
CREATE TABLE public."t;t" (id integer NOT NULL, v text DEFAULT E'it\'s; ok');
ALTER TABLE public."t;t" OWNER TO nobody_here;
GRANT SELECT ON TABLE public."t;t" TO nobody_here;
COPY public."t;t" (id, v) FROM stdin;
1	a;b
2	\N
3	back\\slash\nline
4	\\.
\.


COPY public."t;t" (id, v) FROM stdin;
\.
INSERT INTO public."t;t" VALUES (5, 'it''s; fine');
ALTER TABLE ONLY public."t;t" ADD CONSTRAINT t_pkey PRIMARY KEY (id);
\unrestrict aBc123
`

func write(t *testing.T, content string) string {
	t.Helper()
	file := gittest.NewFile(t, "dump.sql", content)
	return file
}

func restored(url, file string) error {
	_, err := fill.RestoreDump(context.Background(), fill.Dump{URL: url, File: file})
	return err
}

func TestRestore(t *testing.T) {
	t.Parallel()
	url, conn := database(t, 18, "")
	if err := restored(url, write(t, plainDump)); err != nil {
		t.Fatal(err)
	}
	got := ask[string](t, conn, `SELECT string_agg(id || '=' || coalesce(v, 'NULL'), '|' ORDER BY id) FROM public."t;t"`)
	if want := "1=a;b|2=NULL|3=back\\slash\nline|4=\\.|5=it's; fine"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := ask[string](t, conn, "SELECT public.f() || public.g(0)"); got != "a;b;3" {
		t.Errorf("functions: %s", got)
	}
}

// A line longer than the reader's buffer, and an error of the server that comes
// while there is more to send.
func TestRestoreLong(t *testing.T) {
	t.Parallel()
	url, conn := database(t, 18, "CREATE TABLE t (id int PRIMARY KEY, v text)")
	long := strings.Repeat("x", 3<<20)
	if err := restored(url, write(t, "COPY t FROM stdin;\n1\t"+long+"\n2\ty\n\\.\nINSERT INTO t VALUES (3);")); err != nil {
		t.Fatal(err)
	}
	if n := ask[int64](t, conn, "SELECT sum(length(v)) + count(*) FROM t"); n != int64(len(long))+4 {
		t.Errorf("after the restore sum(length(v)) + count(*) = %d, want %d", n, len(long)+4)
	}
	err := restored(url, write(t, "\n\nCOPY t FROM stdin;\n1\tz\n"+strings.Repeat("9\t"+strings.Repeat("x", 1000)+"\n", 5000)+"\\.\n"))
	if err == nil || !strings.Contains(err.Error(), "dump.sql:3:") || !strings.Contains(err.Error(), "duplicate key") {
		t.Errorf("restore a duplicate key: error %v, want dump.sql:3: duplicate key", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	url, _ := database(t, 18, "")
	for content, say := range map[string]string{
		"\\connect other\n":                     "without --create",
		"\\! rm\n":                              "command of psql",
		"SELECT 1;\nCREATE TABLE x (y nope);\n": ":2: CREATE TABLE x (y nope): ",
		"CREATE TABLE c (i int);\nCOPY c FROM stdin;\n1\n": `"\." is missing`,
		"SELECT 'a":                           "does not end",
		"\x1f\x8b\x08abcd":                    "compressed",
		"CREATE EXTENSION no_such_extension;": "no_such_extension",
	} {
		err := restored(url, write(t, content))
		if err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, want %q", content, err, say)
		}
	}
	if err := restored(url, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// What pg_dump writes of the hostile schema and its rows comes back the same,
// in every format.
func TestRestoreWhatPgDumpWrites(t *testing.T) {
	t.Parallel()
	program := component.NeedProgram(t, component.Psql, "pg_dump")
	component.NeedProgram(t, component.Psql, "pg_restore")
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	// pg_dump refuses servers that are newer, and writes what older ones refuse.
	var major int
	if _, err := fmt.Sscanf(strings.TrimPrefix(string(version), "pg_dump (PostgreSQL) "), "%d", &major); err != nil {
		t.Fatalf("read the major of %q: %v", version, err)
	}
	url, conn := database(t, major, hostile)
	mustFill(t, url, fill.Plan{All: 100, Seed: 3})
	want, _ := each[string](t, conn, digests)
	for _, format := range []string{"plain", "custom", "tar", "directory"} {
		file := filepath.Join(t.TempDir(), "dump")
		if out, err := exec.Command(program, "--format="+format, "--file="+file, url).CombinedOutput(); err != nil {
			t.Fatalf("pg_dump --format=%s: %v: %s", format, err, out)
		}
		to, conn := database(t, major, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
		if err := restored(to, file); err != nil {
			t.Errorf("restore the %s dump: %v", format, err)
			continue
		}
		got, _ := each[string](t, conn, digests)
		for k := range want {
			if k >= len(got) || got[k] != want[k] {
				t.Errorf("the %s dump: the restored database lacks the digest %s", format, want[k])
			}
		}
	}
}
