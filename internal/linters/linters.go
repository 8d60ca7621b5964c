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

// migrationLinter is a linter for Django migrations.
const migrationLinter = "django-migration-linter"

// pythonFiles are the files that may have its configuration.
var pythonFiles = []string{"setup.cfg", "tox.ini", "pyproject.toml", ".django_migration_linter.cfg"}

var (
	// settingsModule matches a module that may have a project's settings.
	settingsModule = lazyregexp.New(`(?:^|/)(?:settings[^/]*\.py|settings/[^/]+\.py|config/[^/]+\.py)$`)
	linterOptions  = lazyregexp.New(`(?m)^MIGRATION_LINTER_OPTIONS\s*(?::[^=\n]*)?=\s*\{`)
	// entry matches one entry of MIGRATION_LINTER_OPTIONS: 'exclude_apps': ['a'],
	entry = lazyregexp.New(`["'](\w+)["']\s*:\s*(\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|[^,\n}]+)`)
)

// readDjangoSection reads the linter's section in a file that other tools share: [tool.django_migration_linter].
func (s *Settings) readDjangoSection(path, text string) {
	readFile := configfile.ReadINI
	if strings.HasSuffix(path, ".toml") {
		readFile = configfile.ReadTOML
	}
	list, err := readFile(text)
	if err != nil && strings.Contains(text, "django_migration_linter") {
		s.recordUnreadable(path, err)
	}
	for _, setting := range list {
		if setting.Section == "django_migration_linter" || setting.Section == "tool.django_migration_linter" {
			s.readDjangoOption(path, setting)
		}
	}
}

// readDjangoSettings reads the linter's options from a project's settings.py.
func (s *Settings) readDjangoSettings(path, text string) {
	begin := linterOptions.FindStringIndex(text)
	if begin == nil {
		return
	}
	s.recordLinter(migrationLinter)
	end, depth := begin[1], 1
	for ; end < len(text) && depth > 0; end++ {
		switch text[end] {
		case '{':
			depth++
		case '}':
			depth--
		}
	}
	body := text[begin[1]:end]
	lines := configfile.NewLines(text)
	for _, m := range entry.FindAllStringSubmatchIndex(body, -1) {
		s.readDjangoOption(path, configfile.Setting{Key: body[m[2]:m[3]], Values: configfile.SplitValues(body[m[4]:m[5]]), Line: lines.CountTo(begin[1] + m[0])})
	}
}

// readDjangoOption reads one of its options.
func (s *Settings) readDjangoOption(path string, setting configfile.Setting) {
	s.recordLinter(migrationLinter)
	switch setting.Key {
	case "exclude_migration_tests":
		s.setNamedSeverities(setting, path, onward.Off)
	case "warnings_as_errors":
		if slices.ContainsFunc(setting.Values, func(v string) bool { return strings.EqualFold(v, "true") || strings.EqualFold(v, "false") }) {
			s.recordUnsupported(setting, path, "fail_on: warning makes all warnings fail the run, those that it does not have too")
			return
		}
		s.setNamedSeverities(setting, path, onward.Error)
	case "ignore_name", "ignore_name_contains", "exclude_apps", "include_apps", "include_name", "include_name_contains", "include_migrations_from":
		s.recordUnsupported(setting, path, "what the base has is not judged; in a new migration, # onward:ignore-file RULE: REASON")
	case "git_commit_id":
		if len(setting.Values) == 1 {
			s.recordBase(setting, path)
		}
	default:
		s.recordUnsupported(setting, path, "nothing here is like it")
	}
}

// recordBase records the revision that a release is compared with.
func (s *Settings) recordBase(setting configfile.Setting, path string) {
	s.Base, s.BaseBy = setting.Values[0], path
	s.Settings = append(s.Settings, Entry{Path: path, Line: setting.Line, Theirs: setting.Key + " " + s.Base, Ours: "base: " + s.Base})
}
