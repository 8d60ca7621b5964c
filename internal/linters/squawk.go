package linters

import "github.com/onward-sql/onward/onward"

// squawk reads its .squawk.toml.
func (s *Said) squawk(path, text string) {
	s.found("squawk")
	for _, at := range settingsOf(text) {
		switch at.key {
		case "excluded_rules":
			s.named(at, path, onward.Off)
		case "included_rules":
			s.without(at, path, "rules that ask for opinions are switched on by presets: strict, design, security")
		case "pg_version":
			s.postgres(at, path)
		case "assume_in_transaction":
			if !at.is() {
				s.without(at, path, "how a file is sent follows from its runner; transaction: none says it")
				continue
			}
			s.InTransaction = true
			s.Settings = append(s.Settings, Entry{Path: path, Line: at.line, Theirs: "assume_in_transaction", Ours: "transaction: file",
				Why: "only where nothing else tells how the files are sent"})
		case "excluded_paths":
			s.without(at, path, "what the base has is not judged; in a new file, -- onward:ignore-file RULE: REASON")
		default:
			s.without(at, path, "nothing here is like it")
		}
	}
}
