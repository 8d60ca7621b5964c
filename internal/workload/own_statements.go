package workload

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// OwnSchemas are the schemas that onward makes: for its ledger, the state of a plan, rehearsals and recordings.
var OwnSchemas = []string{"onward_ledger", "onward_fleet", "onward", "onward_record", "onward_rehearsal"}

// isFromOnward reports whether onward itself sent a statement: by its application_name, or because the statement works on a
// schema of onward's.
func isFromOnward(s *Seen) bool {
	if a := s.Sender.Application; a == "onward" || strings.HasPrefix(a, "onward ") {
		return true
	}
	if !strings.Contains(s.SQL, "onward") {
		return false
	}
	for offset := 0; ; {
		x := pgparse.NextLexeme(s.SQL, offset)
		offset = x.End
		switch x.Kind {
		case pgparse.LexemeEnd:
			return false
		case pgparse.LexemeWord, pgparse.LexemeQuoted:
			name := strings.ToLower(strings.Trim(s.SQL[x.Start:x.End], `"`))
			if slices.Contains(OwnSchemas, name) && (strings.HasPrefix(s.SQL[offset:], ".") || name != "onward") {
				return true
			}
		}
	}
}
