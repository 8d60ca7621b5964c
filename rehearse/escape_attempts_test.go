package rehearse_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// escapeWays are the kinds of escapes; testdata/escapes has a folder for each, and a
// file for each variant: what is deployed, the release, its down migration. The code
// that they leave (parts.txtar) notes which session runs it, and starts a program,
// which only a superuser may. Behind each release come statements that our
// sessions look at.
var escapeWays = map[string]int{
	"operators": 10, "functions": 10, "settings": 10, "text": 10, "sessions": 10, "plain": 10, "honest": 20, // at least so many variants

}

// TestEscapes: nothing of a migration runs in any session but those that were
// opened for it, nothing gets out with nothing around the server, and the report
// says what was tried, where, on each version: and of what is honest, nothing.
func TestEscapes(t *testing.T) {
	t.Parallel()
	type variant struct {
		way    string
		escape *escape
		majors []int
	}
	var variants []variant
	for _, way := range slices.Sorted(maps.Keys(escapeWays)) {
		list := escapes(t, way)
		if len(list) < escapeWays[way] {
			t.Errorf("%s has %d variants", way, len(list))
		}
		for _, e := range list {
			variants = append(variants, variant{way, e, versions(len(variants), e.oldest)})
		}
	}
	for _, v := range rotation.Pick(t, 8, variants) {
		t.Run(v.way+"/"+v.escape.name, func(t *testing.T) {
			t.Parallel()
			v.escape.run(t, v.majors)
		})
	}
}

// TestPayload: what escapes leave does get out where a superuser runs it, with
// nothing around the server; else nothing of the above would show anything.
func TestPayload(t *testing.T) {
	t.Parallel()
	out := reachable(t, 0o777)
	payload := strings.ReplaceAll(partsOf(t)["payload"], "OUTSIDE", out)
	c := rehearse.Config{
		Config: audit.Config{Dir: branch(t, "-- +goose Up\n"+tableOfAll, []txtar.File{{
			Name: "00002_up.sql",
			Data: []byte("-- +goose Up\n" + blocks(payload+"\n") + "SELECT evil.payload('x');\n"),
		}})},
		Superuser: true,
	}
	var identities []caught
	rehearse.FirstWall(&c, func(ctx context.Context, s *pgserver.Server) { identities = ran(ctx, t, s) })
	rehearsed(t, c)
	if left, err := os.ReadDir(out); err != nil || len(left) != 1 {
		t.Errorf("written outside: %v, %v", left, err)
	}
	if want := []caught{{"x", "postgres", true}}; !slices.Equal(identities, want) {
		t.Errorf("it ran as %v, want %v", identities, want)
	}
}

// versions are those that a variant runs on: one, each of them in turn, or, with
// ONWARD_ESCAPES=all, all that know what it tries.
func versions(i, oldest int) []int {
	var all []int
	for _, major := range pgservertest.Majors() {
		if major >= oldest {
			all = append(all, major)
		}
	}
	if os.Getenv("ONWARD_ESCAPES") != "all" {
		return all[i%len(all):][:1]
	}
	return all
}

func (e *escape) run(t *testing.T, majors []int) {
	if slices.ContainsFunc(e.wants, func(w want) bool { return w.kind == base }) {
		for _, major := range majors { // an error is of one version
			e.rehearse(t, []int{major})
		}
		return
	}
	r := e.rehearse(t, majors)
	if r == nil || len(r.Rehearsals) != len(majors) {
		t.Fatal("it was not rehearsed on each version")
	}
	e.findings(t, r, majors)
	for i := range r.Rehearsals {
		e.end(t, r, &r.Rehearsals[i])
	}
}

// rehearse rehearses it, and looks who ran what it left, and what got out. The
// report is nil where an error was wanted.
func (e *escape) rehearse(t *testing.T, majors []int) *onward.Report {
	outside := reachable(t, 0o777)
	text := func(name string) []byte { return []byte(strings.ReplaceAll(e.text[name], "OUTSIDE", outside)) }
	c := rehearse.Config{
		Config: audit.Config{Dir: branch(t, string(text("base.sql")), []txtar.File{
			{Name: "00002_up.sql", Data: text("up.sql")}, {Name: "00003_sampled.sql", Data: text("sampled.sql")}, {Name: "00004_seen.sql", Data: text("seen.sql")},
		})},
		Majors: majors, Down: strings.Contains(e.text["up.sql"], "-- +goose Down"),
	}
	for name, to := range map[string]*string{"schema.sql": &c.Schema, "dump.sql": &c.Dump} {
		if e.text[name] == "" {
			continue
		}
		*to = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(*to, text(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if e.text["archive.sql"] != "" {
		c.Dump = archived(t, string(text("archive.sql")))
	}
	if e.rows {
		c.Traffic = true
		if c.Dump == "" {
			c.Rows = fill.Plan{All: 20, Seed: 1}
		}
	}
	looked := map[int]bool{}
	rehearse.FirstWall(&c, func(ctx context.Context, s *pgserver.Server) {
		looked[s.Major()] = true
		for _, x := range ran(ctx, t, s) {
			if x.super || x.session != "onward" {
				t.Errorf("%d: %s ran as %s", s.Major(), x.variant, x.session)
			}
		}
	})
	r, err := rehearse.Run(t.Context(), c)
	if missing := new(pgserver.MissingError); errors.As(err, &missing) {
		pgservertest.SkipOrFail(t, err)
	}
	e.deployed(t, err, majors[0])
	if err == nil && len(looked) != len(majors) {
		t.Errorf("nobody looked who ran the code: %v", looked)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
	return r
}

// deployed holds the error of a rehearsal against what is wanted of its base.
func (e *escape) deployed(t *testing.T, err error, major int) {
	t.Helper()
	i := slices.IndexFunc(e.wants, func(w want) bool { return w.kind == base && w.oldest <= major && major <= w.newest })
	failed := new(rehearse.BaseError)
	switch {
	case i < 0 && err != nil:
		t.Errorf("the base of %s fails: %v", e.name, err)
	case i < 0:
	case !errors.As(err, &failed):
		t.Errorf("no error of the base: %v", err)
	default:
		w := e.wants[i]
		location := fmt.Sprintf("%s:%d: ", w.file, w.line)
		if w.file == "base.sql" {
			location = fmt.Sprintf("00001_base fails at migrations/00001_base.sql:%d: ", w.line)
		}
		if !strings.Contains(err.Error(), location) || !strings.Contains(err.Error(), w.fact) {
			t.Errorf("want %q and %q: %v", location, w.fact, err)
		}
	}
}

// findings holds the findings of a report against what is wanted, each at its
// line, once, for the versions that it is true of.
func (e *escape) findings(t *testing.T, r *onward.Report, majors []int) {
	t.Helper()
	left := slices.DeleteFunc(slices.Clone(r.Findings), func(f onward.Finding) bool {
		for _, id := range ruleOf {
			if f.Rule == id {
				return false
			}
		}
		return true
	})
	for _, w := range e.wants {
		affectedMajors := slices.DeleteFunc(slices.Clone(majors), func(m int) bool { return m < w.oldest || m > w.newest })
		if len(affectedMajors) == 0 {
			continue
		}
		var found []int // what a server says may differ from version to version
		left = slices.DeleteFunc(left, func(f onward.Finding) bool {
			isExpected := f.Rule == ruleOf[w.kind] && f.Line == w.line && f.Path == "migrations/00002_up.sql" && strings.HasPrefix(f.Fact, w.begins) &&
				strings.Contains(f.Fact, w.fact)
			if isExpected {
				found = append(found, f.Postgres...)
			}
			if isExpected && len(f.Postgres) == 0 { // it goes without saying
				found = append(found, majors...)
			}
			return isExpected
		})
		slices.Sort(found)
		if !slices.Equal(found, affectedMajors) {
			t.Errorf("told on %v, not on %v: %+v", found, affectedMajors, w)
		}
	}
	for _, f := range left {
		t.Errorf("told: %s at %s:%d on %v: %s", f.Rule, f.Path, f.Line, f.Postgres, f.Fact)
	}
}

// end holds where a rehearsal ended against what is wanted: it goes through, or
// stops at a finding.
func (e *escape) end(t *testing.T, r *onward.Report, rehearsal *onward.Rehearsal) {
	t.Helper()
	for _, note := range e.notes {
		if !slices.ContainsFunc(rehearsal.Notes, func(n string) bool { return strings.Contains(n, note) }) {
			t.Errorf("%d: no note %q: %q", rehearsal.Postgres, note, rehearsal.Notes)
		}
	}
	if len(rehearsal.Statements) == 0 {
		t.Errorf("%d: nothing ran", rehearsal.Postgres)
		return
	}
	last := rehearsal.Statements[len(rehearsal.Statements)-1]
	m := r.Migrations[last.Migration]
	line := m.Statements[last.Statement].Line
	switch {
	case last.Failed == nil && m.Path != "migrations/00004_seen.sql":
		t.Errorf("%d: it ended after %s:%d", rehearsal.Postgres, m.Path, line)
	case last.Failed != nil && !slices.ContainsFunc(e.wants, func(w want) bool {
		return w.line == line && w.oldest <= rehearsal.Postgres && rehearsal.Postgres <= w.newest && strings.Contains(w.fact, "") &&
			m.Path == "migrations/00002_up.sql"
	}):
		t.Errorf("%d: it ended at %s:%d: %+v", rehearsal.Postgres, m.Path, line, last.Failed)
	}
}

// reachable returns a directory that every user of the machine may use with these rights: the
// server may run as another user, and the directories of the tests themselves are
// closed. Its name is short, because sockets are in it.
func reachable(t *testing.T, rights os.FileMode) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outside")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, rights); err != nil {
		t.Fatal(err)
	}
	return dir
}

// archived is what pg_dump writes of a schema that a superuser has made, in a
// format that only pg_restore reads.
func archived(t *testing.T, sql string) string {
	t.Helper()
	program := component.NeedProgram(t, component.Psql, "pg_dump")
	url := pgservertest.Database(t, onward.OldestMajor) // pg_dump refuses servers that are newer
	c := pgservertest.Connect(t, url)
	if _, err := c.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dump")
	if out, err := exec.Command(program, "--format=custom", "--file="+file, url).CombinedOutput(); err != nil {
		t.Fatalf("pg_dump: %v: %s", err, out)
	}
	return file
}

type caught struct {
	variant, session string
	super            bool
}

// ran is who ran the code that was left, in any database of a server.
func ran(ctx context.Context, t *testing.T, s *pgserver.Server) []caught {
	t.Helper()
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, "SELECT datname::text FROM pg_database WHERE datallowconn AND datname <> 'postgres'")
	if err != nil {
		t.Error(err)
		return nil
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Error(err)
	}
	var out []caught
	for _, name := range names {
		c, err := s.Connect(ctx, "", name)
		if err != nil {
			t.Error(err)
			continue
		}
		rows, err := c.Query(ctx, "SELECT DISTINCT variant, session, super FROM evil.ran ORDER BY 1, 2 LIMIT 50")
		if err == nil {
			list, _ := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x caught, err error) {
				err = row.Scan(&x.variant, &x.session, &x.super)
				return x, err
			})
			out = slices.Concat(out, list)
		}
		_ = c.Close(ctx)
	}
	return out
}
