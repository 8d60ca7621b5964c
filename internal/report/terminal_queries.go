package report

import (
	"github.com/onward-sql/onward/onward"
)

// printQueryUsers prints what breaks for each program that uses the database.
func (t *terminal) printQueryUsers() {
	list := listQueryUsers(t.report.Verification)
	if len(list) == 0 {
		return
	}
	t.addHeading("programs that use the database")
	for _, u := range list {
		style := t.ordinaryStyle()
		if u.severity != onward.Off {
			style = t.Severity(u.severity)
		}
		t.addWrapped("  ", "    ", u.name+": "+u.words, style)
	}
}

// printDeprecated lists the columns that will be dropped soon, and who uses them.
func (t *terminal) printDeprecated() {
	list := listDeprecatedUses(t.report.Verification)
	if len(list) == 0 {
		return
	}
	t.addHeading("deprecated columns")
	for _, d := range list {
		style := t.ordinaryStyle()
		if d.used {
			style = t.Warning
		}
		t.addWrapped("  ", "    ", d.name+": "+d.words, style)
		if d.sql != "" {
			t.addLine("    ", t.paintLine(t.Dim, cutToWidth(d.sql, t.width-4)))
		}
	}
}

// printQueryFindings prints the findings about the recorded queries themselves.
func (t *terminal) printQueryFindings() {
	list, rest := listAskedQueries(t.report.Verification)
	if len(list) == 0 {
		return
	}
	t.addHeading("how the recorded code asks")
	for _, q := range list {
		t.addWrapped("  "+t.paintLine(t.Severity(q.severity), padRight(q.severity.String(), 7))+"  ", "           ", q.words, t.ordinaryStyle())
		t.addLine("           ", t.paintLine(t.Dim, cutToWidth(q.sql, t.width-11)))
	}
	if rest != "" {
		t.addLine(t.paintLine(t.Dim, "  "+rest))
	}
}
