package replay

import (
	"bytes"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/transcript"
)

// DatabaseLane is what a transcript has of one database: how the command made its schema, and what followed.
type DatabaseLane struct {
	// Setup is what made the schema and its first rows; no events if the database had them.
	Setup Lane
	// Tests are the rest. The release runs before them.
	Tests Lane
	// Template is the recorded database of which this one is a copy; "" for none.
	Template string
	// Created: the command made the database itself.
	Created bool
}

// createsDatabase matches the statement with which a suite makes a database.
var createsDatabase = lazyregexp.New(`(?is)^\s*create\s+database\s+("(?:[^"]|"")+"|\w+)(?:.*\btemplate(?:\s*=\s*|\s+)("(?:[^"]|"")+"|\w+))?`)

// SplitLanes returns the lanes of a transcript, in the order in which the databases were first used. books are the tables in which migration tools keep
// what has run: a schema is made when the last of them was written.
func SplitLanes(t *transcript.Transcript, books []string) []DatabaseLane {
	templates, created := map[string]string{}, map[string]bool{}
	var names []string
	for i := range t.Events {
		e := &t.Events[i]
		if name := t.Sessions[e.Session].Database; e.Source == transcript.Client && !slices.Contains(names, name) {
			names = append(names, name)
		}
		if found := createsDatabase.FindStringSubmatch(sentText(e)); found != nil {
			name, template := unquoteName(found[1]), unquoteName(found[2])
			created[name] = true
			if template != "template0" && template != "template1" {
				templates[name] = template
			}
		}
	}
	var out []DatabaseLane
	for _, name := range names {
		all := Lane{Transcript: t, Database: name, End: len(t.Events)}
		lane := DatabaseLane{Setup: all, Tests: all, Template: templates[name], Created: created[name]}
		lane.Setup.End = all.findSetupEnd(books)
		lane.Tests.Begin = lane.Setup.End
		lane.Tests.Settings = all.listSettings(lane.Tests.Begin)
		out = append(out, lane)
	}
	return out
}

// sentText returns the text of a statement that a client sends, or prepares.
func sentText(e *transcript.Event) string {
	if e.Source != transcript.Client {
		return ""
	}
	switch e.Kind {
	case 'Q':
		var m pgproto3.Query
		if m.Decode(e.Body) == nil {
			return m.String
		}
	case 'P':
		var m pgproto3.Parse
		if m.Decode(e.Body) == nil {
			return m.Query
		}
	}
	return ""
}

// unquoteName returns a name as the server stores it.
func unquoteName(word string) string {
	if strings.HasPrefix(word, `"`) {
		return strings.ReplaceAll(strings.Trim(word, `"`), `""`, `"`)
	}
	return strings.ToLower(word)
}

// writesTable matches a statement that writes a table.
var writesTable = lazyregexp.New(`(?i)\b(?:insert\s+into|update(?:\s+only)?|delete\s+from)\s+((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)`)

// findSetupEnd returns the event after the transaction that wrote one of the tables last; the lane's begin if none was written.
func (l Lane) findSetupEnd(books []string) int {
	end, writer := l.Begin, -1
	for i := l.Begin; i < l.End; i++ {
		e := &l.Transcript.Events[i]
		if !l.has(e) {
			continue
		}
		if found := writesTable.FindStringSubmatch(sentText(e)); found != nil {
			parts := strings.Split(found[1], ".")
			if slices.Contains(books, unquoteName(parts[len(parts)-1])) {
				end, writer = l.End, e.Session
			}
		}
		if e.Session == writer && e.Source == transcript.Server && e.Kind == 'Z' && bytes.Equal(e.Body, []byte("I")) {
			end, writer = i+1, -1
		}
	}
	return end
}

// settingText matches statements that set how their session goes on.
var settingText = lazyregexp.New(
	`(?is)^\s*(?:set\s+(?:session\b|[a-z_."]+\s*(?:=|\bto\b)|time\s+zone|names\b|role\b)|select\s+(?:pg_catalog\.)?set_config\b|prepare\s|listen\s)`)

// listSettings returns the events that set how sessions go on which are open at an event, and those that prepared their statements.
func (l Lane) listSettings(begin int) []int {
	open := map[int][]int{}
	for i := l.Begin; i < begin; i++ {
		e := &l.Transcript.Events[i]
		if !l.has(e) {
			continue
		}
		switch {
		case e.Source == transcript.Ends:
			delete(open, e.Session)
		case e.Kind == 'Q' && settingText.MatchString(sentText(e)), e.Kind == 'P' && e.Source == transcript.Client && len(e.Body) > 0 && e.Body[0] != 0:
			open[e.Session] = append(open[e.Session], i)
		}
	}
	var out []int
	for i := begin; i < l.End; i++ { // sessions that send nothing more need nothing
		if e := &l.Transcript.Events[i]; e.Source == transcript.Client && open[e.Session] != nil {
			out = append(out, open[e.Session]...)
			delete(open, e.Session)
		}
	}
	slices.Sort(out)
	return out
}
