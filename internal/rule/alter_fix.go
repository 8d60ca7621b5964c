package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// alterFix is a fix that replaces subcommands of an ALTER TABLE. The statement's other subcommands belong to it: as
// written, or as other findings on the statement replace them.
type alterFix struct {
	stmt *Stmt
	// prose is the line before the SQL; other is the rest from a line on that begins with "or ".
	prose, other string
	parts        []fixPart
}

// fixPart is the SQL that replaces subcommands.
type fixPart struct {
	commands []*Command
	sql      string
}

// maxFixedCommands limits the statements whose fixes are complete: each fix has all commands, so that their length grows as the square of
// the commands.
const maxFixedCommands = 200

// newAlterFix returns the fix of a report about subcommands; nil if its SQL does not replace them, or if the statement has too many others. Then
// the report's fix says so.
func (p *Pass) newAlterFix(r *Report, commands []*Command) *alterFix {
	prose, sql, ok := strings.Cut(moveBlanksToProse(r.Instead), "\n")
	if !ok || p.Rule.Category != onward.Locking || len(commands) == 0 || !strings.HasPrefix(sql, "ALTER TABLE ") && !strings.HasPrefix(sql, "CREATE ") {
		return nil
	}
	if n := len(commands[0].stmt.commands); n > maxFixedCommands {
		r.Instead = fmt.Sprintf("divide this statement of %d commands, and then ", n) + r.Instead
		return nil
	}
	f := &alterFix{stmt: commands[0].stmt, prose: prose}
	if index := strings.Index("\n"+sql, "\nor "); index >= 0 {
		sql, f.other = strings.TrimRight(sql[:index], "\n"), "\n"+sql[index:]
	}
	if len(r.Steps) != len(commands) || strings.Contains(strings.Join(r.Steps, ""), "…") {
		f.parts = []fixPart{{commands, sql}}
		return f
	}
	for i, c := range commands {
		f.parts = append(f.parts, fixPart{[]*Command{c}, r.Steps[i]})
	}
	return f
}

// formatCompleteFix returns the fix with the statement's other subcommands, so that none is lost. otherFixes are the fixes of other findings on
// the statement.
func (f *alterFix) formatCompleteFix(otherFixes []*alterFix) string {
	parts := slices.Clone(f.parts)
	replaced := make(map[*Command]bool)
	for _, part := range parts {
		for _, c := range part.commands {
			replaced[c] = true
		}
	}
	for _, other := range otherFixes {
		for _, part := range other.parts {
			if slices.ContainsFunc(part.commands, func(c *Command) bool { return replaced[c] }) {
				continue
			}
			for _, c := range part.commands {
				replaced[c] = true
			}
			parts = append(parts, part)
		}
	}
	slices.SortStableFunc(parts, func(a, b fixPart) int { return cmp.Compare(a.commands[0].index, b.commands[0].index) })
	lines := make([]string, len(parts))
	for i := range parts {
		lines[i] = parts[i].sql
	}
	sql := strings.Join(lines, "\n")
	var rest []string
	for _, c := range f.stmt.commands {
		if text := strings.TrimSpace(c.Text()); text != "" && !replaced[c] && !strings.Contains(sql, text) {
			rest = append(rest, text)
		}
	}
	if len(rest) > 0 {
		sql = f.stmt.AlterTable() + " " + strings.Join(rest, ", ") + ";\n" + sql
	}
	return f.prose + "\n" + sql + f.other
}

// composeFixes completes the fixes of the findings on a statement, from one on: a fix must not keep what another finding reports.
func (p *Pass) composeFixes(s *Stmt, from int) {
	if len(s.commands) < 2 {
		return
	}
	found := p.findings[from:]
	for i := range found {
		if found[i].fix == nil {
			continue
		}
		var otherFixes []*alterFix
		for j := range found {
			if j != i && found[j].fix != nil && slices.ContainsFunc(found[j].versions, func(v int) bool { return slices.Contains(found[i].versions, v) }) {
				otherFixes = append(otherFixes, found[j].fix)
			}
		}
		if len(otherFixes) > 0 {
			found[i].Instead = s.formatFix(found[i].fix.formatCompleteFix(otherFixes))
		}
	}
}
