package linters

import (
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var (
	// strongSetting is "StrongMigrations.name = value" or "StrongMigrations.name(:value)".
	strongSetting = lazyregexp.New(`(?m)^[ \t]*StrongMigrations\.(\w+)[ \t]*(?:=[ \t]*|\(?[ \t]*)([^\n]*)`)
	duration      = lazyregexp.New(`^(\d+)(?:\.(second|minute|hour)s?)?$`)
)

// readStrongMigrations reads an initializer of strong_migrations.
func (s *Settings) readStrongMigrations(path, text string) {
	s.recordLinter("strong_migrations")
	lines := configfile.NewLines(text)
	for _, m := range strongSetting.FindAllStringSubmatchIndex(text, -1) {
		value, _, _ := strings.Cut(text[m[4]:m[5]], "#")
		setting := configfile.Setting{Key: text[m[2]:m[3]], Line: lines.CountTo(m[2])}
		for _, v := range configfile.SplitValues(value) {
			setting.Values = append(setting.Values, strings.TrimPrefix(v, ":"))
		}
		switch setting.Key {
		case "disable_check":
			s.setNamedSeverities(setting, path, onward.Off)
		case "target_version", "target_postgresql_version":
			s.recordVersion(setting, path)
		case "lock_timeout":
			s.recordTimeout(setting, path, &s.LockTimeout)
		case "statement_timeout":
			s.recordTimeout(setting, path, &s.StatementTimeout)
		case "start_after":
			s.recordUnsupported(setting, path, "not needed: what the base has is not judged")
		case "add_check", "enable_check":
			s.recordUnsupported(setting, path, "onward rules lists what is asked; there are no checks of one's own")
		default:
			s.recordUnsupported(setting, path, "nothing here is like it")
		}
	}
}

// recordTimeout records a timeout for every session that migrates.
func (s *Settings) recordTimeout(setting configfile.Setting, path string, timeout *string) {
	m := duration.FindStringSubmatch(strings.Join(setting.Values, ""))
	if m == nil {
		s.recordUnsupported(setting, path, "it is no number of seconds, minutes or hours; write assume: "+setting.Key+" by hand")
		return
	}
	*timeout = m[1] + map[string]string{"": "s", "second": "s", "minute": "min", "hour": "h"}[m[2]]
	s.Settings = append(s.Settings, Entry{Path: path, Line: setting.Line, Theirs: setting.Key + " " + m[0], Ours: "assume: " + setting.Key + ": " + *timeout})
}
