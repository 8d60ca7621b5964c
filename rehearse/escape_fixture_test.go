package rehearse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
)

// escape is a release that tries to get out of its database, or a well-meaning
// one that looks like it: a file of testdata/escapes, which describes it.
type escape struct {
	way, name string
	// text is each of its files, put together; "" for none.
	text map[string]string
	// rows: with rows and traffic.
	rows bool
	// oldest is the oldest version that knows what it tries.
	oldest int
	// notes must be in each rehearsal.
	notes []string
	wants []want
}

// want is something that the report must contain. It must contain nothing else.
type want struct {
	kind, fact     string
	begins         string // how the fact begins, for a finding at another statement
	oldest, newest int
	file           string
	line           int
}

// base is the kind of want for the deployed migrations: there is no report.
const base = "base"

// ruleOf are the rules about the outcome of a statement, by their names in wants.
var ruleOf = map[string]string{
	"tried": release.RehearsalTriedToEscape, "needs": release.RehearsalNeedsSuperuser, "fails": release.RehearsalFails, "again": release.RehearsalFailsAgain,
	"rows": release.RehearsalFailsWithRows, "limit": release.RehearsalNotFinished,
}

const escapeDir = "testdata/escapes"

// escapes are the variants of a way, in the order of their names.
func escapes(t *testing.T, way string) []*escape {
	t.Helper()
	parts := partsOf(t)
	paths, err := filepath.Glob(filepath.Join(escapeDir, way, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no escapes in %s: %v", way, err)
	}
	out := make([]*escape, 0, len(paths))
	for _, path := range paths {
		e := &escape{way: way, name: strings.TrimSuffix(filepath.Base(path), ".txtar"), text: map[string]string{}, oldest: onward.OldestMajor}
		if err := e.read(archive(t, path), parts); err != nil {
			t.Fatalf("read the escape %s: %v", path, err)
		}
		out = append(out, e)
	}
	return out
}

// partsOf are what escapes are made of.
func partsOf(t *testing.T) map[string]string {
	t.Helper()
	parts := map[string]string{}
	for _, f := range archive(t, filepath.Join(escapeDir, "parts.txtar")).Files {
		parts[f.Name] = strings.TrimSpace(string(f.Data))
	}
	return parts
}

func archive(t *testing.T, path string) *txtar.Archive {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return txtar.Parse(data)
}

func (e *escape) read(a *txtar.Archive, parts map[string]string) error {
	for line := range strings.Lines(string(a.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "" || strings.HasPrefix(key, "#"):
		case key == "rows":
			e.rows = true
		case key == "note":
			e.notes = append(e.notes, value)
		case key == "pg":
			var err error
			if e.oldest, err = strconv.Atoi(strings.TrimSuffix(value, "..")); err != nil {
				return err
			}
		default:
			return fmt.Errorf("what is %q?", key)
		}
	}
	var alone bool
	for _, f := range a.Files {
		name := f.Name
		if name == "up.sql, alone" {
			name, alone = "up.sql", true
		}
		if !slices.Contains([]string{"base.sql", "up.sql", "down.sql", "schema.sql", "dump.sql", "archive.sql"}, name) {
			return fmt.Errorf("what is %s?", name)
		}
		text, err := e.expand(name, string(f.Data), parts)
		if err != nil {
			return err
		}
		e.text[name] = text
	}
	e.compose(alone)
	for name, text := range e.text {
		e.text[name] = e.place(name, text)
	}
	for _, w := range e.wants {
		if w.line == 0 {
			return fmt.Errorf("nowhere is wanted: %+v", w)
		}
	}
	return nil
}

var wanted = regexp.MustCompile(`\s*-- want (\w+)(?: (\d\d)\.\.(\d\d))? "(.*)"$`)

// mark is a placeholder for the line of want n, until all lines are in their
// places.
func mark(n int) string { return fmt.Sprintf("\x01%d\x02", n) }

// expand replaces the names of parts by their text, and wants by marks: at the
// line after which a want is written, or before which.
func (e *escape) expand(file, text string, parts map[string]string) (string, error) {
	var b strings.Builder
	marks := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := wanted.FindStringSubmatch(line); m != nil {
			w := want{kind: m[1], fact: m[4], file: file, oldest: onward.OldestMajor, newest: onward.NewestMajor}
			if m[2] != "" {
				w.oldest, _ = strconv.Atoi(m[2])
				w.newest, _ = strconv.Atoi(m[3])
			}
			if ruleOf[w.kind] == "" && w.kind != base {
				return "", fmt.Errorf("what is %q?", w.kind)
			}
			marks += mark(len(e.wants))
			e.wants = append(e.wants, w)
			if line = strings.TrimSuffix(line, m[0]); line == "" {
				continue
			}
		}
		sql, err := part(line, parts)
		if err != nil {
			return "", err
		}
		b.WriteString(marks + sql + "\n")
		marks = ""
	}
	return b.String() + marks, nil
}

// part returns the line itself, or the text that it names: @refused and a
// statement that fails by itself, so that the next lines still run; @operators
// public and such.
func part(line string, parts map[string]string) (string, error) {
	name, rest, _ := strings.Cut(line, " ")
	switch {
	case !strings.HasPrefix(name, "@"):
		return line, nil
	case name == "@refused":
		return "DO $do$ BEGIN EXECUTE $sql$" + rest + "$sql$; EXCEPTION WHEN OTHERS THEN NULL; END $do$;", nil
	case name == "@settings":
		var list []string
		for setting := range strings.Lines(parts["settings"]) {
			list = append(list, "DO $do$ BEGIN EXECUTE pg_catalog.format($sql$ALTER DATABASE %I SET "+strings.TrimSpace(setting)+
				"$sql$, pg_catalog.current_database()); EXCEPTION WHEN OTHERS THEN NULL; END $do$;")
		}
		return strings.Join(list, "\n"), nil
	}
	sql, ok := parts[strings.TrimPrefix(name, "@")]
	if !ok {
		return "", fmt.Errorf("there is no part %s", name)
	}
	return strings.ReplaceAll(sql, "$SCHEMA", rest), nil
}

// tableOfAll is what each of them has.
const tableOfAll = "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n"

// compose makes files of goose's. Behind the release come statements that run for
// long enough to be looked at, on their own and in a transaction.
func (e *escape) compose(alone bool) {
	const up, down, none = "-- +goose Up\n", "-- +goose Down\n", "-- +goose NO TRANSACTION\n"
	e.text["base.sql"] = none + up + tableOfAll + blocks(e.text["base.sql"])
	for _, name := range []string{"schema.sql", "dump.sql", "archive.sql"} {
		if text := e.text[name]; text != "" {
			e.text[name] = tableOfAll + text
		}
	}
	head, back := up, []string{"", "", ""}
	if alone {
		head = none + up
	}
	if text := e.text["down.sql"]; text != "" {
		back = []string{down + blocks(text), down + "DROP INDEX public.sampled;\n", down + "ALTER TABLE public.t DROP COLUMN seen;\n"}
	}
	delete(e.text, "down.sql")
	e.text["up.sql"] = head + blocks(e.text["up.sql"]) + back[0]
	e.text["sampled.sql"] = none + up + "CREATE INDEX CONCURRENTLY sampled ON public.t (name);\n" + back[1]
	e.text["seen.sql"] = up + "SELECT pg_catalog.pg_sleep(0.03);\nALTER TABLE public.t ADD COLUMN seen int;\n" + back[2]
}

// place takes the marks out of a file, and notes their lines.
func (e *escape) place(file, text string) string {
	for i := range e.wants {
		before, _, ok := strings.Cut(text, mark(i))
		if !ok {
			continue
		}
		w := &e.wants[i]
		w.line = 1 + strings.Count(before, "\n")
		if w.file == "down.sql" {
			// A finding about a down migration is at the beginning of its up
			// migration.
			w.begins = fmt.Sprintf("in the down migration, at line %d: ", w.line)
			w.line = first(text)
		}
		w.file = file
	}
	return marks.ReplaceAllString(text, "")
}

var marks = regexp.MustCompile("\x01\\d+\x02")

// first is the line of the first statement of a file.
func first(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if n++; strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "--") {
			break
		}
	}
	return n
}

// blocks are statements that goose shall not cut, each on its own: those that end
// with a semicolon at the end of a line, outside dollar quotes.
func blocks(sql string) string {
	var b strings.Builder
	rest := ""
	for line := range strings.Lines(sql) {
		rest += line
		if !strings.HasSuffix(strings.TrimSpace(rest), ";") ||
			slices.ContainsFunc([]string{"$do$", "$p$", "$$"}, func(q string) bool { return strings.Count(rest, q)%2 != 0 }) {
			continue
		}
		b.WriteString("-- +goose StatementBegin\n" + strings.TrimSpace(rest) + "\n-- +goose StatementEnd\n")
		rest = ""
	}
	return b.String() + rest
}
