package linters

import (
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/onward"
)

// readSquawk reads squawk's configuration, .squawk.toml.
func (s *Settings) readSquawk(path, text string) {
	s.recordLinter("squawk")
	list, err := configfile.ReadTOML(text)
	if err != nil {
		s.recordUnreadable(path, err)
	}
	for _, setting := range list {
		switch setting.Key {
		case "excluded_rules":
			s.setNamedSeverities(setting, path, onward.Off)
		case "included_rules":
			s.recordUnsupported(setting, path, "rules that ask for opinions are switched on by presets: strict, design, security")
		case "pg_version":
			s.recordVersion(setting, path)
		case "assume_in_transaction":
			if !setting.IsTrue() {
				s.recordUnsupported(setting, path, "how a file is sent follows from its runner; transaction: none says it")
				continue
			}
			s.InTransaction = true
			s.Settings = append(s.Settings, Entry{Path: path, Line: setting.Line, Theirs: "assume_in_transaction", Ours: "transaction: file",
				Why: "only if nothing else tells how the files are sent"})
		case "excluded_paths":
			s.recordUnsupported(setting, path, "what the base has is not judged; in a new file, -- onward:ignore-file RULE: REASON")
		default:
			s.recordUnsupported(setting, path, "nothing here is like it")
		}
	}
}
