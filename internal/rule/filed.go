package rule

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// filed says in the SQL of a way out, by comments between its statements, which of them cannot stand in the transaction
// of the statement that it is for: pasted into one file as it is, it would be the next hazard.
func filed(instead string, s *Stmt) string {
	prose, sql, ok := strings.Cut(instead, "\n")
	if !ok || !s.InBlock() {
		return instead
	}
	out := []string{prose}
	last, unvalidated := together, false
	for line := range strings.SplitSeq(sql, "\n") {
		switch {
		case strings.HasPrefix(line, "or "): // another way, in prose
			last, unvalidated = together, false
		case strings.HasPrefix(line, "--"):
		default:
			now, begins := stands(line, last, unvalidated)
			if begins {
				out, unvalidated = append(out, heads(s, now)...), false
			}
			last = now
			unvalidated = unvalidated || pgparse.AfterWord(line, "VALID") >= 0
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// stand is where a statement of a way out stands.
type stand int

const (
	// together: with the one before it.
	together stand = iota
	// alone: outside a transaction.
	alone
	// after: in a transaction that begins when that of the one before has ended.
	after
)

// stands says where a statement stands behind one that stands at last, and whether it
// begins a file or transaction. unvalidated: one of its transaction adds a constraint NOT
// VALID.
func stands(line string, last stand, unvalidated bool) (at stand, begins bool) {
	switch {
	case pgparse.AfterWord(line, "CONCURRENTLY") >= 0 && pgparse.AfterWord(line, "REFRESH") < 0:
		return alone, last != alone
	case last == alone, unvalidated && pgparse.AfterWord(line, "VALIDATE") >= 0:
		return after, true
	}
	return last, false
}

// heads are the comments in front of a statement that stands elsewhere.
func heads(s *Stmt, at stand) []string {
	if s.Origin == script.Explicit && s.Migration.Mode == onward.TransactionNone {
		if at == alone {
			return []string{"-- in front of BEGIN or behind COMMIT:"}
		}
		return []string{"-- behind COMMIT:"}
	}
	if at == after {
		return []string{"-- in a transaction of its own, after that:"}
	}
	apart := s.Migration.Runner.OwnFile()
	var out []string
	for i, line := range strings.Split(apart, "\n") {
		switch {
		case i == 0:
			line = "-- in " + line
			if !strings.Contains(apart, "\n") {
				line += ":"
			}
		case !strings.HasPrefix(line, "--"):
			line = "-- " + line
		}
		out = append(out, line)
	}
	return out
}
