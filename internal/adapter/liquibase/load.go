package liquibase

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads changelogs in XML, YAML and JSON, and the files of SQL that they include.
var Adapter = adapter.Base{
	Framework: "liquibase", Finds: "changelogs in XML, YAML or JSON with changesets", FindSources: findSources, ReadMigrations: readMigrations,
	Properties: adapter.Traits{Tool: tool, HistoryTables: []adapter.HistoryTable{{Table: "databasechangelog"}, {Table: "databasechangeloglock"}}},
}

// tool is Liquibase for rules.
var tool = history.Tool{Name: "Liquibase", Unit: "changeset", Apart: "a changeset of its own with\nrunInTransaction=\"false\""}

// findSources looks for changelogs that no other includes, and that reach a changeset which is no SQL, or are larger than what is read.
func findSources(t adapter.Tree) (out []adapter.Source) {
	for dir, list := range findRootChangelogs(t) {
		var typed *root
		s := adapter.Source{Framework: "liquibase", Dir: dir, Deep: true, Score: 3}
		for _, r := range list {
			if (r.typed || errors.Is(r.changelog.err, errTooDeep)) && typed == nil {
				typed = r
			}
			for _, f := range r.files {
				if d := parentDir(f); strings.HasSuffix(f, ".sql") && !slices.Contains(s.Covers, d) {
					s.Covers = append(s.Covers, d)
				}
			}
		}
		if typed == nil {
			continue
		}
		s.Why = "the changelog " + typed.changelog.path
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b adapter.Source) int { return cmp.Compare(a.Dir, b.Dir) })
	return out
}

// maxRead bounds the files that changes name, together.
const maxRead = 64 << 20

// maxText bounds the texts of changesets, each with the lines before it: suppressions in it are found up to this size.
const maxText = 32 << 20

// loader reads the changesets of a source.
type loader struct {
	tree       adapter.Tree
	source     adapter.Source
	set        *adapter.Set
	logs       map[string]*changelog
	visited    map[string]bool
	ids        map[string]int
	properties map[string]string
	text, read int
}

// readMigrations reads the changesets of a source in the order in which Liquibase runs them.
func readMigrations(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	l := &loader{
		tree: t, source: s, logs: findChangelogs(t), visited: map[string]bool{}, ids: map[string]int{}, properties: map[string]string{},
		set: &adapter.Set{
			Source: s, Evidence: adapter.RunnerEvidence{Tool: tool.Name, Transaction: onward.TransactionNone},
			HistoryBehavior: adapter.HistoryBehavior{
				Renamed:    "Liquibase knows a changeset by its file, its author and its id: databases that have it run it again",
				Edited:     "Liquibase refuses to run: \"Validation Failed: … changesets check sum\"",
				OutOfOrder: "Liquibase runs it after the newer ones; new databases run it before",
			},
		},
	}
	for _, r := range findRootChangelogs(t)[s.Dir] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.set.Evidence.FoundIn = cmp.Or(l.set.Evidence.FoundIn, r.changelog.path)
		l.loadFile(r.changelog.path, inherited{})
	}
	for _, p := range listOrphans(t, s.Dir, l.visited) {
		l.set.Opaque = append(l.set.Opaque, onward.Opaque{Path: p, What: "changelog that no other includes", Why: "it does not count as a part of the release"})
	}
	return l.set, nil
}

// inherited are the conditions of the includes above a changeset.
type inherited struct{ conditional bool }

// recordOpaque records something outside of changesets that is not judged.
func (l *loader) recordOpaque(path string, e *element, subject, reason string) {
	l.set.Opaque = append(l.set.Opaque, onward.Opaque{Path: path, Line: e.line, Column: e.column, What: subject, Why: reason})
}

// loadFile loads a changelog, once.
func (l *loader) loadFile(p string, parent inherited) {
	if l.visited[p] {
		return
	}
	l.visited[p] = true
	if strings.HasSuffix(strings.ToLower(p), ".sql") {
		l.loadSQLFile(p, parent)
		return
	}
	c := l.logs[p]
	if c == nil {
		f := adapter.ReadFile(l.tree, p)
		c = &changelog{path: p, file: f}
		if f.Failed == "" {
			c.root, c.err = parseChangelog(p, f.Text)
		}
	}
	if c.root == nil || c.err != nil {
		reason := cmp.Or(c.file.Failed, "it is no changelog")
		if c.err != nil {
			reason = c.err.Error()
		}
		l.set.Opaque = append(l.set.Opaque, onward.Opaque{Path: p, What: "changelog that cannot be read", Why: reason, Failed: true})
		return
	}
	l.set.Opaque = append(l.set.Opaque, c.file.Opaque...)
	for _, e := range c.root.children {
		l.loadElement(c, e, parent)
	}
}

// loadElement loads an element of a changelog.
func (l *loader) loadElement(c *changelog, e *element, parent inherited) {
	switch e.name {
	case "property":
		l.setProperty(c, e)
	case "include", "includeAll":
		if !isForOther(e) {
			l.loadIncluded(c, e, parent)
		}
	case "changeSet":
		l.addChangeSet(c, e, parent)
	}
}

// loadIncluded loads the files of an include or includeAll.
func (l *loader) loadIncluded(c *changelog, e *element, parent inherited) {
	parent.conditional = parent.conditional || isOptional(e)
	switch e.name {
	case "include":
		name := l.fillText(e.getText("file"))
		p := resolveFile(l.tree, c.path, name, e.isTrue("relativeToChangelogFile"))
		if p == "" {
			l.recordOpaque(c.path, e, "changelog "+name, "the repository does not have it")
			return
		}
		l.loadFile(p, parent)
	case "includeAll":
		files := listIncluded(l.tree, c.path, e)
		if len(files) == 0 || e.hasAttribute("filter") || e.hasAttribute("resourceComparator") {
			l.recordOpaque(c.path, e, "changelogs of "+e.getText("path"), "which files it includes, and in which order, is known only when it runs")
		}
		for _, f := range files {
			l.loadFile(f, parent)
		}
	}
}

// setProperty sets a property. The first value counts. One for another database does not.
func (l *loader) setProperty(c *changelog, e *element) {
	if !isForPostgres(e.getText("dbms")) {
		return
	}
	set := func(name, value string) {
		if _, known := l.properties[name]; !known && name != "" {
			l.properties[name] = value
		}
	}
	set(e.getText("name"), e.getText("value"))
	if name := e.getText("file"); name != "" {
		p := resolveFile(l.tree, c.path, name, e.isTrue("relativeToChangelogFile"))
		if p == "" {
			return
		}
		for line := range strings.Lines(adapter.ReadFile(l.tree, p).Text) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '!' {
				key, value, _ := strings.Cut(line, "=")
				set(strings.TrimSpace(key), strings.TrimSpace(value))
			}
		}
	}
}

// maxFilled bounds a text in which the values of properties were put.
const maxFilled = 1 << 20

// fillText puts the values of properties into a text.
func (l *loader) fillText(text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest[:min(len(rest), 200)], "}")
		value, known := l.properties[name]
		if !closed || !known || b.Len()+len(value) > maxFilled+len(text) {
			b.WriteString("${")
			text = rest
			continue
		}
		b.WriteString(value)
		text = rest[len(rest[:min(len(rest), 200)])-len(after):]
	}
}

// otherDatabases are words in a context that name a database.
var otherDatabases = lazyregexp.New(`(?i)(?:^|[^\w!])(?:mysql|mariadb|oracle|mssql|sqlserver|h2|hsqldb|sqlite|db2|derby)(?:[^\w]|$)`)

// isForOther reports whether a changeset or an include is for another database by its context.
func isForOther(e *element) bool {
	context := strings.ToLower(cmp.Or(e.getText("contextFilter"), e.getText("context")))
	return otherDatabases.MatchString(context) && !strings.Contains(context, "postgres") && !strings.Contains(context, "!") &&
		!strings.Contains(context, "not ")
}

// isOptional reports whether a changeset or an include is for tests or for developers by its context or label. Without contexts,
// Liquibase runs it, but the command of a deploy has some.
func isOptional(e *element) bool {
	for _, attribute := range []string{"context", "contextFilter", "labels"} {
		for word := range strings.FieldsFuncSeq(strings.ToLower(e.getText(attribute)), func(r rune) bool { return r == ',' || r == ' ' }) {
			if slices.Contains([]string{"test", "tests", "dev", "development", "local", "demo", "faker", "it", "integration", "sample"}, word) {
				return true
			}
		}
	}
	return false
}

// describeChangeSet is the name of a changeset in reports.
func describeChangeSet(path, author, id string) string {
	return fmt.Sprintf("%s::%s::%s", path, id, author)
}
