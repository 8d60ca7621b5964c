// Package linters reads what the configuration and the comments of other linters of migrations
// say, and says it in onward's words. What has no counterpart is listed with the reason: nobody
// who changes over shall believe that something still holds. No file is changed.
package linters

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// Said is what the other linters of a repository were told.
type Said struct {
	// Tools are the names of those that were found, sorted.
	Tools []string
	// Postgres is the major version in production, 0 for none; PostgresBy the place that says so.
	Postgres   int
	PostgresBy string
	// Base is the revision that releases are compared with, "" for none; BaseBy the place.
	Base, BaseBy string
	// LockTimeout and StatementTimeout are those of the sessions that migrate, as Postgres
	// spells them: "10s". "" is none.
	LockTimeout, StatementTimeout string
	// InTransaction: each file runs in a transaction that its runner opens.
	InTransaction bool
	// Rules are the severities of onward's rules that follow, each once.
	Rules []Rule
	// Settings are all that was read of their configuration, by its place.
	Settings []Entry
	// Comments are what stands in migrations, by its place.
	Comments []Entry
}

// Rule is the severity of a rule.
type Rule struct {
	ID       string
	Severity onward.Severity
	// By is what says so, for people: "excluded_rules of .squawk.toml".
	By string
}

// Entry is one thing that another linter was told.
type Entry struct {
	// Path and Line are where it stands; the path is relative to the repository's root.
	Path string
	Line int
	// Theirs is what stands there; Ours what says the same here, "" for nothing.
	Theirs, Ours string
	// Why says why nothing does, or what of it does not.
	Why string
}

// Place is "path:line".
func (e Entry) Place() string { return fmt.Sprintf("%s:%d", e.Path, e.Line) }

// Read looks for all of them in a tree. What cannot be read counts as not there.
func Read(t adapter.Tree) *Said {
	s := &Said{}
	for _, p := range t.Paths() {
		if !adapter.Deployed(path.Dir(p)) {
			continue
		}
		base := path.Base(p)
		switch {
		case base == ".squawk.toml":
			s.squawk(p, text(t, p))
		case base == "strong_migrations.rb":
			s.strong(p, text(t, p))
		case base == "atlas.hcl":
			s.atlas(p, text(t, p))
		case slices.Contains(pythonFiles, base):
			s.pythonFile(p, text(t, p))
		case settingsModule.MatchString(p):
			s.pythonSettings(p, text(t, p))
		}
	}
	s.comments(t)
	slices.Sort(s.Tools)
	order := func(a, b Entry) int { return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line)) }
	slices.SortStableFunc(s.Settings, order)
	slices.SortStableFunc(s.Comments, order)
	return s
}

// Refute says of a setting, by what says the same here, why that does not hold.
func (s *Said) Refute(ours, why string) {
	for i := range s.Settings {
		if e := &s.Settings[i]; e.Ours == ours {
			e.Ours, e.Why = "", why
		}
	}
}

func text(t adapter.Tree, p string) string { return adapter.ReadFile(t, p).Text }

// found notes a linter by its name.
func (s *Said) found(tool string) {
	if !slices.Contains(s.Tools, tool) {
		s.Tools = append(s.Tools, tool)
	}
}

// set notes the severity of a rule that a setting asks for. What was said first holds.
func (s *Said) set(id string, severity onward.Severity, by string) {
	if !slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.ID == id }) {
		s.Rules = append(s.Rules, Rule{id, severity, by})
	}
}

// named gives a severity to the rules that another linter calls by some names, a setting of its.
func (s *Said) named(at setting, path string, severity onward.Severity) {
	for _, name := range at.values {
		e := Entry{Path: path, Line: at.line, Theirs: at.key + " " + name}
		if id := rules.Elsewhere(name); id != "" {
			e.Ours = "rules: " + id + ": " + severity.String()
			s.set(id, severity, name+" in "+at.key+" of "+path)
		} else {
			e.Why = "no rule is about that alone; onward rules lists them all"
		}
		s.Settings = append(s.Settings, e)
	}
}

// postgres notes a version.
func (s *Said) postgres(at setting, path string) {
	e := Entry{Path: path, Line: at.line, Theirs: at.key + " " + strings.Join(at.values, " ")}
	var major int
	_, err := fmt.Sscanf(strings.Join(at.values, " "), "%d", &major)
	switch {
	case err != nil:
		e.Why = "it names no version"
	case major < onward.OldestMajor || major > onward.NewestMajor:
		e.Why = fmt.Sprintf("Postgres %d to %d are judged", onward.OldestMajor, onward.NewestMajor)
	default:
		e.Ours = fmt.Sprintf("postgres: %d", major)
		if s.Postgres == 0 || major < s.Postgres {
			s.Postgres, s.PostgresBy = major, path
		}
	}
	s.Settings = append(s.Settings, e)
}

// without notes a setting that has no counterpart.
func (s *Said) without(at setting, path, why string) {
	s.Settings = append(s.Settings, Entry{Path: path, Line: at.line, Theirs: strings.TrimSpace(at.key + " " + strings.Join(at.values, " ")), Why: why})
}

// mark is a comment, or a call, by which another linter is told to leave something out.
type mark struct {
	tool    string
	ending  string // of the files that have it
	pattern *regexp.Regexp
	// file: it speaks of its whole file.
	file func(word string) bool
	// comment begins a comment in such a file; "" where the file is not read.
	comment string
}

// marks have two groups: the word itself, and the names behind it.
var marks = []mark{
	{"squawk", ".sql", regexp.MustCompile(`(?:--|/\*)\s*(squawk-ignore(?:-file|-next-statement)?)\b:?[ \t]*([\w, -]*)`), func(word string) bool { return word == "squawk-ignore-file" }, "--"},
	{"atlas", ".sql", regexp.MustCompile(`(?:--|/\*|#)\s*(atlas:nolint)\b[ \t]*([\w, ]*)`), nil, "--"},
	{"strong_migrations", ".rb", regexp.MustCompile(`^[^#]*\b(safety_assured)\b()`), nil, ""},
	{migrationLinter, ".py", regexp.MustCompile(`^[^#]*\b(IgnoreMigration\(\))()`), func(string) bool { return true }, "#"},
}

// comments looks through the migrations.
func (s *Said) comments(t adapter.Tree) {
	for _, d := range adapter.Dirs(t, ".sql", ".rb", ".py") {
		base := path.Base(d.Path)
		names := slices.DeleteFunc(slices.Clone(d.Names), func(n string) bool {
			return strings.HasSuffix(n, ".rb") && base != "migrate" || strings.HasSuffix(n, ".py") && base != "migrations"
		})
		for _, f := range adapter.ReadFiles(t, d, names) {
			for _, m := range marks {
				if strings.HasSuffix(f.Path, m.ending) {
					s.marked(&m, f)
				}
			}
		}
	}
}

// marked notes what a file has of a mark.
func (s *Said) marked(m *mark, f *adapter.File) {
	n := 0
	for line := range strings.Lines(f.Text) {
		n++
		found := m.pattern.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		s.found(m.tool)
		names := strings.FieldsFunc(strings.TrimRight(found[2], "- "), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		e := Entry{Path: f.Path, Line: n, Theirs: strings.TrimSpace(found[1] + " " + strings.Join(names, " "))}
		e.Ours, e.Why = instead(m, found[1], names)
		s.Comments = append(s.Comments, e)
	}
}

// instead is the comment that says the same here, and what of it has no counterpart.
func instead(m *mark, word string, names []string) (ours, why string) {
	if m.comment == "" {
		return "", "the file is not read; in the SQL that it makes: -- onward:ignore RULE: REASON"
	}
	marker := m.comment + " onward:ignore"
	if m.file != nil && m.file(word) {
		marker += "-file"
	}
	if len(names) == 0 {
		return marker + " RULE: REASON", "rules are named here, never all of them"
	}
	var ids, lost []string
	for _, name := range names {
		switch id := cmp.Or(rules.Elsewhere(name), strings.Join(analyzers[name], ", ")); {
		case id == "":
			lost = append(lost, name)
		case !slices.Contains(ids, id):
			ids = append(ids, id)
		}
	}
	if len(lost) > 0 {
		why = "no rule is about " + strings.Join(lost, ", ") + " alone"
	}
	if len(ids) == 0 {
		return "", why
	}
	return marker + " " + strings.Join(ids, ", ") + ": REASON", why
}
