package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
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

// The text of a fix (Report.Instead) has prose in its first line, and after it the lines of SQL to paste, if any. Among them, a
// line that begins with "or " is prose that begins another way to do it, and "…" is a blank to fill in. The functions below take
// and return such a text.

// formatFix returns a fix as it is printed for a finding. Its SQL can be pasted in place of the statement found.
func (s *Stmt) formatFix(instead string) string {
	return addFileComments(s.addToolMarks(resetTimeouts(moveBlanksToProse(instead), s)), s)
}

// moveBlanksToProse moves SQL with blanks to fill in from the lines to paste into the prose before them.
func moveBlanksToProse(instead string) string {
	prose, sql, ok := strings.Cut(instead, "\n")
	if !ok || !strings.Contains(sql, "…") {
		return instead
	}
	var inline, alternatives []string
	for _, part := range splitStatements(sql) {
		if strings.HasPrefix(part, "or ") || len(alternatives) > 0 {
			alternatives = append(alternatives, part)
			continue
		}
		inline = append(inline, strings.Join(strings.Fields(part), " "))
	}
	if strings.Contains(strings.Join(inline, ""), "…") {
		prose += " " + strings.TrimSuffix(strings.Join(inline, " "), ";")
		inline = nil
	}
	for i, other := range alternatives {
		alternatives[i] = moveBlanksToProse(other)
	}
	return strings.Join(slices.Concat([]string{prose}, inline, alternatives), "\n")
}

// waitsForAll matches statements that wait for transactions and fail if a timeout ends the wait.
var waitsForAll = lazyregexp.New(`(?m)^(CREATE (UNIQUE )?INDEX|DROP INDEX|REINDEX .*) CONCURRENTLY\b`)

// resetTimeouts adds RESET statements before a concurrent build for timeouts that the migration set for the session.
// The build would inherit them even in its own file.
func resetTimeouts(instead string, s *Stmt) string {
	prose, sql, ok := strings.Cut(instead, "\n")
	if !ok || !waitsForAll.MatchString(sql) {
		return instead
	}
	for _, set := range []struct {
		name string
		by   *Stmt
		ms   int
	}{{"statement_timeout", s.Settings.StatementTimeoutBy, s.Settings.StatementTimeout}, {"lock_timeout", s.Settings.LockTimeoutBy, s.Settings.LockTimeout}} {
		if set.by == nil || set.ms == 0 || set.by.Node.GetVariableSetStmt().GetIsLocal() || pgparse.AfterWord(sql, set.name) >= 0 {
			continue
		}
		sql = "RESET " + set.name + ";\n" + sql
	}
	return prose + "\n" + sql
}

// addToolMarks adds the tool's markers around statements that the tool would split at a ';' inside.
func (s *Stmt) addToolMarks(instead string) string {
	prose, sql, ok := strings.Cut(instead, "\n")
	tool := &s.Migration.Runner.Tool
	if !ok || tool.Begin == "" || !strings.Contains(sql, "$") {
		return instead
	}
	out := []string{prose}
	for _, part := range splitStatements(sql) {
		if needsMarks(part) {
			part = tool.Begin + "\n" + part + "\n" + tool.End
		}
		out = append(out, part)
	}
	return strings.Join(out, "\n")
}

// needsMarks reports whether a statement has a ';' in a dollar-quoted body, at which the tool would split it.
func needsMarks(part string) bool {
	_, after, found := strings.Cut(part, ";")
	return found && strings.Contains(part, "$") && strings.TrimSpace(after) != ""
}
