package prove

import (
	"embed"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Form is one statement whose effect the proof compares with servers.
type Form struct {
	ID, SQL string
	// Also is another SQLSTATE that a server may refuse with: it finds another error first, or an
	// old version has another code for the same error. "*" is any.
	Also string
	// Setup is committed before, Set are settings of the session.
	Setup, Set string
	Line       int
}

// Fixture is the SQL of the schema on which the forms run.
//
//go:embed testdata/fixture.sql
var Fixture string

//go:embed testdata/*.txt testdata/*.sql
var tables embed.FS

// ListForms returns all forms: those that can run in a transaction, and then those that run alone.
func ListForms() (forms []Form, err error) {
	for _, name := range []string{"forms.txt", "alone.txt"} {
		text, err := tables.ReadFile("testdata/" + name)
		if err != nil {
			return nil, err
		}
		list, err := ParseForms(string(text))
		if err != nil {
			return nil, err
		}
		forms = append(forms, list...)
	}
	return forms, nil
}

// Group is forms on a schema of their own. They run on servers from the version First on.
type Group struct {
	Name, Schema string
	Forms        []Form
	First        int
}

// ListGroups returns the groups: names that the schema lacks, and what Postgres 19 brought.
func ListGroups() ([]Group, error) {
	groups := []Group{
		{Name: "absent", First: onward.OldestMajor}, {Name: "preview", First: onward.NewestMajor}, {Name: "publications", First: onward.PreviewMajor},
	}
	for i := range groups {
		g := &groups[i]
		schema, err := tables.ReadFile("testdata/" + g.Name + ".sql")
		if err != nil {
			return nil, err
		}
		text, err := tables.ReadFile("testdata/" + g.Name + ".txt")
		if err != nil {
			return nil, err
		}
		g.Schema, g.Forms = string(schema), parseLines(string(text))
	}
	return groups, nil
}

// parseLines reads forms that are one statement a line. It leaves out those with a mark: on them model and server differ.
func parseLines(text string) (out []Form) {
	for n, line := range strings.Split(text, "\n") {
		sql := strings.TrimSuffix(strings.TrimSpace(line), ";")
		if sql == "" || strings.HasPrefix(sql, "#") || strings.HasPrefix(sql, "open ") || strings.HasPrefix(sql, "order ") {
			continue
		}
		out = append(out, Form{ID: sql, SQL: sql, Line: n + 1})
	}
	return out
}

// ParseForms reads a table of forms: "id: statement" on a line of its own,
// with indented "setup:", "set:" and "also:" lines below it; # begins a comment line.
func ParseForms(text string) ([]Form, error) {
	var out []Form
	seen := map[string]bool{}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			return nil, fmt.Errorf("line %d: want \"id: statement\", got %q", n+1, line)
		}
		indented := line[0] == ' ' || line[0] == '\t'
		switch {
		case !indented && seen[key]:
			return nil, fmt.Errorf("line %d: the form %q exists already", n+1, key)
		case !indented:
			seen[key] = true
			out = append(out, Form{ID: key, SQL: value, Line: n + 1})
		case len(out) == 0:
			return nil, fmt.Errorf("line %d: %q before any form", n+1, key)
		case key == "setup":
			out[len(out)-1].Setup = value
		case key == "also":
			out[len(out)-1].Also = value
		case key == "set":
			out[len(out)-1].Set = value
		default:
			return nil, fmt.Errorf("line %d: unknown key %q", n+1, key)
		}
	}
	return out, nil
}
