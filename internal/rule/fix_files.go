package rule

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// addFileComments adds comments to the SQL of a fix. They say which statements cannot run in the transaction of the statement
// that the fix replaces. Without them, pasting all of it into one file would be the next hazard.
func addFileComments(instead string, s *Stmt) string {
	prose, sql, ok := strings.Cut(instead, "\n")
	if !ok || !mayBeginFile(sql) {
		return instead
	}
	parts := splitStatements(sql)
	if !s.sharesTransaction(parts) {
		return instead
	}
	out := []string{prose}
	last, unvalidated := together, false
	for _, part := range parts {
		switch {
		case strings.HasPrefix(part, "or "): // another way, in prose
			last, unvalidated = together, false
		case strings.HasPrefix(part, "--"):
		default:
			now, begins := placeOfLine(part, last, unvalidated)
			if begins && (now != alone || last != alone || s.Origin != script.Explicit) {
				out, unvalidated = append(out, fileComments(s, now)...), false
			}
			last = now
			unvalidated = unvalidated || pgparse.AfterWord(part, "VALID") >= 0
		}
		out = append(out, part)
	}
	return strings.Join(out, "\n")
}

// sharesTransaction reports whether the statements of a fix, pasted in place of a statement, share a transaction or
// succeed and fail as one file. A message of several statements is a transaction, even if a message of one is not.
func (s *Stmt) sharesTransaction(parts []string) bool {
	if s.InBlock() || s.Migration.Together != 0 || s.Migration.Mode == onward.TransactionMessage {
		return true
	}
	n := 0
	for _, part := range parts {
		if strings.HasPrefix(part, "or ") {
			break
		}
		if !strings.HasPrefix(part, "--") {
			n++
		}
	}
	return n > 1 || len(s.Migration.Statements) > 1 || s.Migration.first > 0
}

// splitStatements splits the SQL of a fix into its statements, and the lines of prose and comments between them.
func splitStatements(sql string) []string {
	var out []string
	open := ""
	for line := range strings.SplitSeq(sql, "\n") {
		if open == "" && (strings.HasPrefix(line, "or ") || strings.HasPrefix(line, "--")) {
			out = append(out, line)
			continue
		}
		if open != "" {
			line = open + "\n" + line
		}
		if open = line; isComplete(line) {
			out, open = append(out, line), ""
		}
	}
	if open != "" {
		out = append(out, open)
	}
	return out
}

// isComplete reports whether a text ends with a statement's semicolon.
func isComplete(text string) bool {
	if strings.HasSuffix(text, ";") && !strings.ContainsAny(text, "'\"$-/") && !strings.Contains(text, "ATOMIC") {
		return true // most lines; a semicolon in them can only end a statement
	}
	file, err := pgparse.SplitText(text)
	if err != nil || len(file.Stmts) == 0 {
		return true // it is no SQL
	}
	return strings.Contains(text[file.Stmts[len(file.Stmts)-1].End:], ";")
}

// fixPlace is the transaction in which a statement of a fix runs.
type fixPlace int

const (
	// together: in the transaction of the previous statement.
	together fixPlace = iota
	// alone: outside a transaction.
	alone
	// after: in a new transaction, after the previous statement's transaction has ended.
	after
)

// mayBeginFile reports whether a text has a word of a statement that begins a new file or transaction:
// see placeOfLine.
func mayBeginFile(sql string) bool {
	text := strings.ToUpper(sql)
	return strings.Contains(text, "CONCURRENTLY") || strings.Contains(text, "VACUUM") || strings.Contains(text, "VALIDATE")
}

// placeOfLine returns when a statement runs, and whether it begins a new file or transaction. last is the result for the
// previous statement. unvalidated: a statement of the same transaction adds a constraint NOT VALID.
func placeOfLine(line string, last fixPlace, unvalidated bool) (place fixPlace, begins bool) {
	switch {
	case pgparse.AfterWord(line, "CONCURRENTLY") >= 0 && pgparse.AfterWord(line, "REFRESH") < 0, strings.HasPrefix(line, "VACUUM"):
		return alone, true // a file of several is one message for some tools
	case last == alone, unvalidated && pgparse.AfterWord(line, "VALIDATE") >= 0:
		return after, true
	}
	return last, false
}

// fileComments returns the comments before a statement that begins a new file or transaction.
func fileComments(s *Stmt, place fixPlace) []string {
	m := s.Migration
	switch {
	case s.Origin == script.Explicit && m.Mode == onward.TransactionNone:
		return []string{"-- behind COMMIT:"}
	case !s.InBlock() && m.Mode == onward.TransactionNone && m.Together == 0:
		if place == alone {
			return []string{"-- in a file of its own:"}
		}
		return []string{"-- in a file of its own, after that:"}
	case place == after && m.Together != 0:
		return []string{"-- in a later release, because " + cmp.Or(m.Runner.Name, "the runner") + " runs all new migrations in one transaction:"}
	case place == after:
		return []string{"-- in a transaction of its own, after that:"}
	}
	advice := m.Runner.NonTransactionalFileAdvice()
	var out []string
	for i, line := range strings.Split(advice, "\n") {
		if i == 0 {
			line = "-- in " + line
			if !strings.Contains(advice, "\n") {
				line += ":"
			}
		}
		out = append(out, line)
	}
	return out
}
