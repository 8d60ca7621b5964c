package terminal

import (
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// printQueryUsers prints what breaks for each program that uses the database.
func (t *reportWriter) printQueryUsers() {
	list := view.ListQueryUsers(t.report.Verification)
	if len(list) == 0 {
		return
	}
	t.addHeading("programs that use the database")
	for _, u := range list {
		style := t.ordinaryStyle()
		if u.Severity != onward.Off {
			style = t.Severity(u.Severity)
		}
		t.addWrapped("  ", "    ", u.Name+": "+u.Words, style)
	}
}

// printDeprecated lists the columns that will be dropped soon, and who uses them.
func (t *reportWriter) printDeprecated() {
	list := view.ListExpiringColumns(t.report.Verification)
	if len(list) == 0 {
		return
	}
	t.addHeading("deprecated columns")
	for _, d := range list {
		style := t.ordinaryStyle()
		if d.Used {
			style = t.Warning
		}
		t.addWrapped("  ", "    ", d.Name+": "+d.Words, style)
		if d.SQL != "" {
			t.addLine("    ", t.paintLine(t.Dim, view.CutToWidth(d.SQL, t.width-4)))
		}
	}
}

// printQueryFindings prints the findings about the recorded queries themselves.
func (t *reportWriter) printQueryFindings() {
	list, rest := view.ListAskedQueries(t.report.Verification)
	if len(list) == 0 {
		return
	}
	t.addHeading("how the recorded code asks")
	for _, q := range list {
		t.addWrapped("  "+t.paintLine(t.Severity(q.Severity), padRight(q.Severity.String(), 7))+"  ", "           ", q.Words, t.ordinaryStyle())
		t.addLine("           ", t.paintLine(t.Dim, view.CutToWidth(q.SQL, t.width-11)))
	}
	if rest != "" {
		t.addLine(t.paintLine(t.Dim, "  "+rest))
	}
}
