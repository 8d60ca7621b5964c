// Package linters reads the configuration and the comments of other linters of migrations, such as
// squawk and strong_migrations, and converts them to onward's settings. Settings without a counterpart are listed with the
// reason, so that users do not assume that they still hold. It changes no file.
package linters

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// Settings has the settings of a repository's other linters.
type Settings struct {
	// Tools are the names of the linters that were found, sorted.
	Tools []string
	// Postgres is the major version in production, 0 for none; PostgresBy is the place of the
	// setting.
	Postgres   int
	PostgresBy string
	// Base is the revision that releases are compared with, "" for none; BaseBy is its place.
	Base, BaseBy string
	// LockTimeout and StatementTimeout are the timeouts of the sessions that migrate, as Postgres
	// spells them: "10s"; "" for none.
	LockTimeout, StatementTimeout string
	// InTransaction is set if each file runs in a transaction that its runner opens.
	InTransaction bool
	// Rules are the resulting severities of onward's rules, each once.
	Rules []Rule
	// Settings are all settings in their configuration, by place.
	Settings []Entry
	// Comments are comments in migrations, by their places.
	Comments []Entry
}

// Rule is the severity of a rule.
type Rule struct {
	ID       string
	Severity onward.Severity
	// By is the setting that asks for it, for people: "excluded_rules of .squawk.toml".
	By string
}

// Entry is one setting of another linter.
type Entry struct {
	// Path and Line are its position; the path is relative to the repository's root.
	Path string
	Line int
	// Theirs is the other linter's text; Ours is the equivalent here, "" for none.
	Theirs, Ours string
	// Why says why there is no equivalent, or which part has none.
	Why string
}

// Place is "path:line".
func (e Entry) Place() string { return fmt.Sprintf("%s:%d", e.Path, e.Line) }

// Read looks for all linters in a tree. A file that cannot be read counts as missing.
func Read(t adapter.Tree) *Settings {
	s := &Settings{}
	for _, p := range t.Paths() {
		if !adapter.IsDeployed(path.Dir(p)) {
			continue
		}
		base := path.Base(p)
		switch {
		case base == ".squawk.toml":
			s.readSquawk(p, readText(t, p))
		case base == "strong_migrations.rb":
			s.readStrongMigrations(p, readText(t, p))
		case base == "atlas.hcl":
			s.readAtlas(p, readText(t, p))
		case slices.Contains(pythonFiles, base):
			s.readDjangoSection(p, readText(t, p))
		case settingsModule.MatchString(p):
			s.readDjangoSettings(p, readText(t, p))
		}
	}
	s.searchMigrations(t)
	slices.Sort(s.Tools)
	order := func(a, b Entry) int { return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line)) }
	slices.SortStableFunc(s.Settings, order)
	slices.SortStableFunc(s.Comments, order)
	return s
}

// Refute marks a setting, by its equivalent here, as not in effect, with the reason.
func (s *Settings) Refute(equivalent, reason string) {
	for i := range s.Settings {
		if e := &s.Settings[i]; e.Ours == equivalent {
			e.Ours, e.Why = "", reason
		}
	}
}

func readText(t adapter.Tree, p string) string { return adapter.ReadFile(t, p).Text }

// recordLinter records a linter by its name.
func (s *Settings) recordLinter(tool string) {
	if !slices.Contains(s.Tools, tool) {
		s.Tools = append(s.Tools, tool)
	}
}

// setSeverity records the severity of a rule that a setting asks for. The first setting wins.
func (s *Settings) setSeverity(id string, severity onward.Severity, source string) {
	if !slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.ID == id }) {
		s.Rules = append(s.Rules, Rule{id, severity, source})
	}
}

// setNamedSeverities sets the severity of the rules that correspond to another linter's names, according to
// one of its settings.
func (s *Settings) setNamedSeverities(setting configfile.Setting, path string, severity onward.Severity) {
	for _, name := range setting.Values {
		e := Entry{Path: path, Line: setting.Line, Theirs: setting.Key + " " + name}
		if id := rules.RuleElsewhere(name); id != "" {
			e.Ours = "rules: " + id + ": " + severity.String()
			s.setSeverity(id, severity, name+" in "+setting.Key+" of "+path)
		} else {
			e.Why = "no rule is about that alone; onward rules lists them all"
		}
		s.Settings = append(s.Settings, e)
	}
}

// recordVersion records a version.
func (s *Settings) recordVersion(setting configfile.Setting, path string) {
	e := Entry{Path: path, Line: setting.Line, Theirs: setting.Key + " " + strings.Join(setting.Values, " ")}
	var major int
	_, err := fmt.Sscanf(strings.Join(setting.Values, " "), "%d", &major)
	switch {
	case err != nil:
		e.Why = "it names no version"
	case major < onward.OldestMajor || major > onward.PreviewMajor:
		e.Why = fmt.Sprintf("Postgres %d to %d are judged", onward.OldestMajor, onward.PreviewMajor)
	default:
		e.Ours = fmt.Sprintf("postgres: %d", major)
		if s.Postgres == 0 || major < s.Postgres {
			s.Postgres, s.PostgresBy = major, path
		}
	}
	s.Settings = append(s.Settings, e)
}

// recordUnsupported records a setting that has no counterpart.
func (s *Settings) recordUnsupported(setting configfile.Setting, path, reason string) {
	s.Settings = append(s.Settings, Entry{Path: path, Line: setting.Line,
		Theirs: strings.TrimSpace(setting.Key + " " + strings.Join(setting.Values, " ")), Why: reason})
}

// recordUnreadable records a configuration file with an error.
func (s *Settings) recordUnreadable(path string, err error) {
	s.Settings = append(s.Settings, Entry{Path: path, Line: 1, Theirs: "the file", Why: err.Error()})
}

// mark is a comment, or a call, that tells another linter to ignore something.
type mark struct {
	tool    string
	ending  string // of the files that have it
	pattern *lazyregexp.Regexp
	// file reports whether the word applies to its whole file.
	file func(word string) bool
	// comment begins a comment in such a file.
	comment string
}

// marks have two groups: the word itself, and the names after it.
var marks = []mark{
	{
		"squawk", ".sql", lazyregexp.New(`(?:--|/\*)\s*(squawk-ignore(?:-file|-next-statement)?)\b:?[ \t]*([\w, -]*)`),
		func(word string) bool { return word == "squawk-ignore-file" }, "--",
	},
	{"atlas", ".sql", lazyregexp.New(`(?:--|/\*|#)\s*(atlas:nolint)\b[ \t]*([\w, ]*)`), nil, "--"},
	{"strong_migrations", ".rb", lazyregexp.New(`^[^#]*\b(safety_assured)\b()`), nil, "#"},
	{migrationLinter, ".py", lazyregexp.New(`^[^#]*\b(IgnoreMigration\(\))()`), func(string) bool { return true }, "#"},
}

// searchMigrations searches the migrations.
func (s *Settings) searchMigrations(t adapter.Tree) {
	for _, d := range adapter.ListDirs(t, ".sql", ".rb", ".py") {
		base := path.Base(d.Path)
		names := slices.DeleteFunc(slices.Clone(d.Names), func(n string) bool {
			return strings.HasSuffix(n, ".rb") && base != "migrate" || strings.HasSuffix(n, ".py") && base != "migrations"
		})
		for _, f := range adapter.ReadFiles(t, d, names) {
			for _, m := range marks {
				if strings.HasSuffix(f.Path, m.ending) {
					s.recordMark(&m, f)
				}
			}
		}
	}
}

// recordMark records the uses of a mark in a file.
func (s *Settings) recordMark(m *mark, f *adapter.File) {
	n := 0
	for line := range strings.Lines(f.Text) {
		n++
		found := m.pattern.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		s.recordLinter(m.tool)
		names := strings.FieldsFunc(strings.TrimRight(found[2], "- "), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		e := Entry{Path: f.Path, Line: n, Theirs: strings.TrimSpace(found[1] + " " + strings.Join(names, " "))}
		e.Ours, e.Why = equivalentComment(m, found[1], names)
		s.Comments = append(s.Comments, e)
	}
}

// equivalentComment returns the equivalent comment here, and the part that has no counterpart.
func equivalentComment(m *mark, word string, names []string) (comment, reason string) {
	marker := m.comment + " onward:ignore"
	if m.file != nil && m.file(word) {
		marker += "-file"
	}
	if len(names) == 0 {
		return marker + " RULE: REASON", "rules are named here, never all of them"
	}
	var ids, lost []string
	for _, name := range names {
		switch id := cmp.Or(rules.RuleElsewhere(name), strings.Join(analyzers[name], ", ")); {
		case id == "":
			lost = append(lost, name)
		case !slices.Contains(ids, id):
			ids = append(ids, id)
		}
	}
	if len(lost) > 0 {
		reason = "no rule is about " + strings.Join(lost, ", ") + " alone"
	}
	if len(ids) == 0 {
		return "", reason
	}
	return marker + " " + strings.Join(ids, ", ") + ": REASON", reason
}
