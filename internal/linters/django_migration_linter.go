package linters

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

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
