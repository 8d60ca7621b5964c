package replay

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/transcript"
)

// tell makes a transcript: "0:text" is a statement of a session, "0<I" that it is ready, in the state I,
// "0P" and "0B" begin Parse and Bind messages, and "0." is its end.
func tell(databases []string, lines ...string) *transcript.Transcript {
	t := &transcript.Transcript{Database: databases[0]}
	for _, name := range databases {
		t.Sessions = append(t.Sessions, transcript.Session{Database: name})
	}
	for _, line := range lines {
		e := transcript.Event{Session: int(line[0] - '0')}
		switch line[1] {
		case ':':
			e.Source, e.Kind, e.Body = transcript.Client, 'Q', []byte(line[2:]+"\x00")
		case 'P', 'B':
			e.Source, e.Kind, e.Body = transcript.Client, line[1], []byte(line[2:]+"\x00\x00\x00\x00\x00\x00")
		case '<':
			e.Source, e.Kind, e.Body = transcript.Server, 'Z', []byte(line[2:])
		default:
			e.Source = transcript.Ends
		}
		t.Events = append(t.Events, e)
	}
	return t
}

// A suite makes its schema until its migration tool writes what has run.
func TestSplitLanes(t *testing.T) {
	t.Parallel()
	recorded := tell([]string{"app", "test_app", "copy"},
		`0:CREATE DATABASE "test_app" WITH TEMPLATE template0`, "0<I",
		"1:SET TIME ZONE 'UTC'", "1<I",
		"1:BEGIN", "1<T", "1:CREATE TABLE a ()", "1<T", `1:INSERT INTO "django_migrations" (app) VALUES ('x')`, "1<T", "1:SET LOCAL x = 1", "1<T", "1:COMMIT", "1<I",
		"1:INSERT INTO a DEFAULT VALUES", "1<I",
		"0:CREATE DATABASE copy TEMPLATE test_app", "0<I",
		"2:SELECT 1", "2<I", "2.", "1.")
	lanes := SplitLanes(recorded, []string{"django_migrations"})
	var got []string
	for _, l := range lanes {
		got = append(got, fmt.Sprintf("%s %q %v setup to %d, settings %v", l.Tests.Database, l.Template, l.Created, l.Setup.End, l.Tests.Settings))
	}
	want := []string{`app "" false setup to 0, settings []`, `test_app "" true setup to 14, settings [2]`, `copy "test_app" true setup to 0, settings []`}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, l := range lanes {
		if l.Tests.Begin != l.Setup.End || l.Tests.End != len(recorded.Events) {
			t.Errorf("%s: the tests are from %d to %d", l.Tests.Database, l.Tests.Begin, l.Tests.End)
		}
	}
}

// A program of the application's own keeps what has run in a table that no tool has. Its driver prepares the INSERT once.
func TestOwnHistory(t *testing.T) {
	t.Parallel()
	const note = "0P" + "note\x00INSERT INTO app_versions VALUES ($1)\x00"
	bindNote := "0B" + "\x00note\x00"
	for name, c := range map[string]struct {
		lines []string
		want  int
	}{
		"prepared once": {[]string{
			"0:CREATE TABLE app_versions ()", "0<I", "0:BEGIN; CREATE TABLE a ()", "0<T", note, "0<T", bindNote, "0<T", "0:COMMIT", "0<I",
			"0:BEGIN; ALTER TABLE a ADD b int", "0<T", "0:INSERT INTO a DEFAULT VALUES", "0<T", bindNote, "0<T", "0:COMMIT", "0<I", "0.",
			"1:INSERT INTO a DEFAULT VALUES", "1<I", "1:CREATE TEMP TABLE c ()", "1<I", "1:INSERT INTO c DEFAULT VALUES", "1<I",
		}, 18},
		"one change": {[]string{"0:CREATE TABLE a ()", "0<I", "0:INSERT INTO a DEFAULT VALUES", "0<I"}, 0},
		"tests that make tables": {[]string{
			"0:CREATE TABLE a ()", "0<I", "0:INSERT INTO a DEFAULT VALUES", "0<I", "0:CREATE TABLE b ()", "0<I", "0:INSERT INTO b DEFAULT VALUES", "0<I",
		}, 0},
		"no rows": {[]string{"0:CREATE TABLE a ()", "0<I", "1:CREATE TABLE b ()", "1<I", "0:SELECT 1", "0<I"}, 0},
	} {
		recorded := tell([]string{"app", "app"}, c.lines...)
		for start, want := range map[transcript.Start]int{transcript.StartsEmpty: c.want, "base": 0} {
			recorded.Start = start
			if got := SplitLanes(recorded, []string{"django_migrations"})[0].Setup.End; got != want {
				t.Errorf("%s, %s: the setup ends before event %d, not %d", name, start, got, want)
			}
		}
	}
}

// A suite may drop its template, and make it again under its name.
func TestDatabaseMadeTwice(t *testing.T) {
	t.Parallel()
	recorded := tell([]string{"app", "model", "model", "copy"},
		"0:CREATE DATABASE model", "0<I", "1:CREATE TABLE a ()", "1<I", "1:INSERT INTO history VALUES (1)", "1<I", "1.",
		"0:DROP DATABASE IF EXISTS model", "0<I", "0:CREATE DATABASE model", "0<I", "2:CREATE TABLE b ()", "2<I", "2:INSERT INTO history VALUES (1)", "2<I", "2.",
		"0:CREATE DATABASE copy TEMPLATE model", "0<I", "3:SELECT 1", "3<I", "0:DROP DATABASE copy", "0<I", "0:DROP DATABASE unused", "0<I",
		"0:CREATE DATABASE copy TEMPLATE model", "0<I", "0:DROP DATABASE app", "0<I", "0:SELECT 1", "0<I")
	var got []string
	for _, l := range SplitLanes(recorded, []string{"history"}) {
		got = append(got, fmt.Sprintf("%s %q %v from %d to %d, tests to %d", l.Tests.Database, l.Template, l.Created, l.Setup.Begin, l.Setup.End, l.Tests.End))
	}
	want := []string{
		`app "" false from 0 to 0, tests to 30`, `model "" true from 0 to 6, tests to 7`, `model "" true from 9 to 15, tests to 30`,
		`copy "model" true from 0 to 0, tests to 20`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// EXECUTE and FETCH count as the query that they run.
func TestNamedQueries(t *testing.T) {
	t.Parallel()
	recorded := tell([]string{"app"}, "0:PREPARE put(int) AS INSERT INTO a VALUES ($1)", "0<I", "0:execute put(3)", "0<I",
		`0:DECLARE "Rows" SCROLL CURSOR WITH HOLD FOR SELECT * FROM a`, "0<T", `0:FETCH FORWARD 10 FROM "Rows"`, "0<T", "0:EXECUTE unknown", "0<I")
	var got []string
	answers := SplitLanes(recorded, nil)[0].Tests.Recorded
	for _, event := range slices.Sorted(maps.Keys(answers)) {
		got = append(got, answers[event].SQL)
	}
	want := []string{
		"PREPARE put(int) AS INSERT INTO a VALUES ($1)", "INSERT INTO a VALUES ($1)", `DECLARE "Rows" SCROLL CURSOR WITH HOLD FOR SELECT * FROM a`,
		"SELECT * FROM a", "EXECUTE unknown",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
