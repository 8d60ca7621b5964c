package rule

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

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
