// Package terminal prints reports and other documents for people, in lines of a limited width.
package terminal

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// WriteReport prints the report for people. Migrations are in the order in which they run,
// each with its changes, its locks and its findings. The verdict and the next step are
// last, where the eye stops. A clean release takes three lines. A rehearsed release
// begins with its timeline, and static findings take one line each, unless
// Options.Verbose is set.
func WriteReport(w io.Writer, r *onward.Report, o Options) error {
	t := &reportWriter{page: newPage(o), report: r, index: view.NewIndex(r), verbose: o.Verbose, brief: o.Brief}
	switch {
	case o.Quiet:
		t.printQuiet()
	case len(r.Migrations) == 0 && len(r.Findings) == 0 && len(r.Opaque) == 0 && len(r.Verdicts) == 0:
		t.printNoMigrations()
	case r.Verification != nil && o.Proof && !o.Verbose:
		t.printProof()
	case r.Verification != nil && !o.Verbose:
		t.printVerified()
	case isClean(r) && !o.Verbose:
		t.printCleanReport()
	case len(r.Rehearsals) > 0 && !o.Verbose:
		t.printRehearsed()
	default:
		t.printFullReport()
	}
	return t.writePage(w)
}

type reportWriter struct {
	*page
	report  *onward.Report
	index   *view.Index
	verbose bool
	brief   bool
	rules   map[string]bool   // the rules whose harm and fix are printed already
	fixes   map[string]string // the SQL of a printed fix → the rule of its finding
}

// limitList returns how many elements of a list are printed: all if the report is verbose.
func (t *reportWriter) limitList(most int) int {
	if t.verbose {
		return math.MaxInt
	}
	return most
}

// scope says how much of the report is printed.
func (t *reportWriter) scope() view.Scope { return view.Scope{Whole: t.verbose, Width: t.width} }

// addHiddenCount says how many elements of a list are not printed, in words such as "3 more notes".
func (t *reportWriter) addHiddenCount(indent string, more int, words string, style lipgloss.Style) {
	if more > 0 {
		t.addLine(indent, t.paintLine(style, "and "+words+" (-v shows them)"))
	}
}

// isClean reports whether there is nothing to report.
func isClean(r *onward.Report) bool {
	return len(r.Findings) == 0 && !slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return o.Failed })
}

// printRehearsed prints the report of a rehearsed release: first the observations of the server,
// then the findings. Static findings are short; the report of changelog has them in full.
func (t *reportWriter) printRehearsed() {
	r := t.report
	t.printHead()
	t.printRehearsal()
	whole, brief := []*onward.Finding{}, []*onward.Finding{}
	for i := range r.Findings {
		if f := &r.Findings[i]; strings.HasPrefix(f.Rule, "rehearsal-") {
			whole = append(whole, f)
		} else {
			brief = append(brief, f)
		}
	}
	for _, f := range whole {
		t.printFinding(f)
	}
	if len(brief) > 0 {
		t.addBlankLine()
		t.addLine(t.paintLine(t.Dim, "static findings (run with -v for details and fixes)"))
	}
	for _, f := range brief {
		t.printFindingLine(f)
	}
	t.printBlocks(view.DescribeUnjudged(r.Opaque))
	t.addBlankLine()
	t.printSummary()
}

// printHead prints the verdict, the revisions, and who runs the migrations.
func (t *reportWriter) printHead() {
	t.printVerdictFirst()
	t.addTwoSided(t.reportTitle(), t.reportSubtitle(" · "), t.Bold, t.Dim)
	t.printRunners()
}

// printFindingLine prints a finding's severity, place, fact and rule.
func (t *reportWriter) printFindingLine(f *onward.Finding) {
	mark := t.paintLine(t.Severity(f.Severity), padRight(f.Severity.String(), 7))
	t.addWrapped("  "+mark+"  ", "           ", t.displayPath(view.FormatPlace(f.Path, f.Line, f.Column))+"  "+escape.Line(f.Fact)+" ("+escape.Line(f.Rule)+")",
		t.ordinaryStyle())
}

func (t *reportWriter) printFullReport() {
	r := t.report
	t.printHead()
	t.printOverview()
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if t.brief && t.index.IsUnremarked(m) {
			continue
		}
		if t.verbose || t.index.IsListed(m) {
			t.addBlankLine()
			t.printMigration(m)
		}
	}
	if line := t.index.DescribeDeletions(); line != "" && !t.verbose && !t.brief {
		t.addBlankLine()
		t.addWrapped("", "  ", line+" (-v lists them)", t.Dim)
	}
	findings, opaque := t.index.ListUnassigned()
	if len(findings) > 0 {
		t.addHeading("beside the migrations")
		t.printFindings(findings)
	}
	t.printBlocks(view.DescribeUnjudged(opaque))
	t.printRehearsal()
	t.printVerification()
	t.addBlankLine()
	if r.Sizes != nil {
		text := "times are estimates, at " + view.DescribeThroughput(r.Sizes)
		if n := r.Sizes.SmallBelow; n > 0 {
			text += "; tables below " + size.FormatBytes(n) + " are small"
		}
		t.addLine(t.paintLine(t.Dim, view.CutToWidth(text, t.width)))
	}
	t.printSummary()
}

// printQuiet prints the findings in a line each, and the verdict.
func (t *reportWriter) printQuiet() {
	for _, f := range t.report.Findings {
		style := t.Severity(f.Severity)
		t.addLine(t.displayPath(view.FormatPlace(f.Path, f.Line, f.Column)), ": ", t.paintLine(style, f.Severity.String()), ": ", escape.Line(f.Fact), " (",
			escape.Line(f.Rule), ")")
	}
	for i := range t.report.Verdicts {
		d := &t.report.Verdicts[i]
		t.addLine(t.displayPath(view.FormatPlace(d.After.Path, d.After.Line, 0)), ": ", t.paintLine(t.Severity(d.Severity), d.Severity.String()), ": ",
			view.DescribeFailure(d),
			" (", view.NameCode(d.Code), ", ", escape.Line(string(d.Kind)), ")")
	}
	for _, o := range t.report.Opaque {
		if o.Failed {
			t.addLine(t.displayPath(view.FormatPlace(o.Path, o.Line, o.Column)), ": not judged: ", view.FormatOpaque(&o))
		}
	}
	t.addWrapped("", "", view.FormatVerdict(t.report), t.verdictStyle())
}

// printNoMigrations prints the report of a release without migrations.
func (t *reportWriter) printNoMigrations() {
	subject := view.FormatRevisions(t.report)
	if subject != "" {
		subject += "  "
	}
	t.addWrapped("", "  ", subject+"no new migrations", t.Bold)
	if t.report.Summary.Verdict != "" {
		t.addWrapped("", "", view.FormatVerdict(t.report), t.verdictStyle())
	}
}

// printRunners prints who runs the migrations, and how that is known.
func (t *reportWriter) printRunners() {
	for _, line := range view.DescribeRunners(t.report, t.displayPath) {
		t.addWrapped("", "  ", line, t.Dim)
	}
}

// printCleanReport prints the report of a clean release: its changes, the verdict, and the items
// that were not judged.
func (t *reportWriter) printCleanReport() {
	r := t.report
	var changes []string
	for i := range r.Migrations {
		for _, c := range r.Migrations[i].Changes {
			text := escape.Line(c.Text)
			if c.Object != "" {
				text = escape.Line(c.Object) + " " + text
			}
			changes = append(changes, text)
		}
	}
	summary := "no change of the schema"
	switch {
	case len(changes) > 0:
		summary = strings.Join(changes, "; ")
	case slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return !o.Usage && o.Database == "" }):
		summary = "the change of the schema is not known"
	}
	if t.brief {
		summary = view.FormatVersions(r.Postgres)
	}
	t.printVerdictFirst()
	head := prose.CountNoun(r.Summary.Migrations, view.CountedNoun(r)) + ": "
	if title := view.FormatRevisions(r); title != "" {
		head = title + "  " + head
	}
	t.addLine(t.paintLine(t.Bold, view.CutToWidth(head, t.width)), view.CutToWidth(summary, t.width-view.MeasureText(head)))
	if len(r.Rehearsals) > 0 {
		t.printRehearsal()
		t.addBlankLine()
	}
	rest := "everything was judged"
	if r.Summary.Statements == 0 {
		rest = "there is no statement, so nothing was judged"
	}
	if r.PostgresFrom != "" {
		rest += ", for " + view.DescribeVersions(r)
	}
	if r.Summary.Suppressed > 0 {
		rest = prose.CountNoun(r.Summary.Suppressed, "finding") + " suppressed"
	}
	if n := len(r.Opaque); n > 0 {
		o := &r.Opaque[0]
		rest = fmt.Sprintf("%d not judged: %s, %s", n, escape.Line(o.What), t.displayPath(view.FormatPlace(o.Path, o.Line, o.Column)))
		if n > 1 {
			rest += fmt.Sprintf(" and %d more (-v shows them)", n-1)
		}
	}
	doubt := slices.DeleteFunc(view.ListUsedRunners(r), func(runner *onward.Runner) bool { return !runner.Assumed && runner.Proof == nil })
	if len(doubt) == 0 {
		t.addLine(t.paintLine(t.Dim, view.CutToWidth(rest, t.width)))
	} else {
		t.addWrapped("", "", rest+"; "+view.DescribeRunner(doubt[0], t.displayPath), t.Dim)
	}
	t.printBuiltQueries()
}

// reportTitle returns the subject of the report.
func (t *reportWriter) reportTitle() string {
	if title := view.FormatRevisions(t.report); title != "" {
		return title
	}
	return prose.CountNoun(len(t.report.Migrations), view.CountedNoun(t.report))
}

// reportSubtitle returns the number of migrations, their framework, their directory, and the
// versions of Postgres.
func (t *reportWriter) reportSubtitle(separator string) string {
	r := t.report
	var parts []string
	if view.FormatRevisions(r) != "" {
		parts = append(parts, prose.CountNoun(len(r.Migrations), "migration"))
	}
	if runners := view.NameRunners(r, escape.Line, t.displayPath); runners != "" {
		parts = append(parts, runners)
	}
	return strings.Join(append(parts, view.DescribeVersions(r)), separator)
}

// printMigration prints one migration: its changes, statements and findings.
func (t *reportWriter) printMigration(m *onward.Migration) {
	right := view.DescribeTransaction(m)
	if m.Status != "" && m.Status != onward.StatusNew {
		right = escape.Line(string(m.Status)) + " · " + right
	}
	t.addTwoSided(t.displayPath(m.Path)+view.ChangesetName(m), right, t.Bold, t.Dim)
	t.printChanges(m.Changes)
	findings, opaque := t.index.FindingsOn(m), t.index.OpaqueIn(m)
	t.printStatements(m, findings, opaque)
	t.printRepeated(m, false)
	if len(findings)+len(t.index.Repeated[m.Path]) == 0 {
		// Items that were not judged are listed below; they are not ok.
		if len(opaque) == 0 {
			t.addLine("  ", t.paintLine(t.OK, view.DescribeOutcome(t.index, m)))
		}
	}
	for _, o := range opaque {
		t.printItem(&block.List{Depth: 1}, view.UnjudgedItem("not judged: ", o))
	}
	t.printFindings(findings)
	t.printRepeated(m, true)
}

// printFindings prints findings in full, or in one line if a similar one was printed
// before.
func (t *reportWriter) printFindings(findings []*onward.Finding) {
	t.printFoldedFindings(findings)
	for _, f := range findings {
		if t.isPrinted(f) {
			t.printFinding(f)
		}
	}
}

// maxChanges bounds the changes that are printed for one migration.
const maxChanges = 20

func (t *reportWriter) printChanges(changes []onward.Change) {
	width := 7
	for _, c := range changes {
		width = min(max(width, view.MeasureText(escape.Line(c.Object))), 24)
	}
	shown, more := prose.TakeFirst(changes, t.limitList(maxChanges))
	for _, c := range shown {
		sign := "~"
		switch c.Kind {
		case "add":
			sign = "+"
		case "drop":
			sign = "-"
		}
		object := escape.Line(c.Object)
		if view.MeasureText(object) > width {
			t.addWrapped("  ", "  ", object, t.Palette.ordinaryStyle())
			object = ""
		}
		head := "  " + padRight(object, width) + "  " + sign + " "
		t.addWrapped(head, strings.Repeat(" ", width+6), view.DescribeChange(&c), t.Palette.ordinaryStyle())
	}
	t.addHiddenCount("  ", more, fmt.Sprintf("%d more changes", more), t.Dim)
}

// printVerdictFirst prints the verdict as the first line.
func (t *reportWriter) printVerdictFirst() {
	t.addWrapped("", "", view.FormatVerdict(t.report), t.verdictStyle())
}

// printSummary prints the summary: counts, the next command, and the verdict as the last line.
func (t *reportWriter) printSummary() {
	t.printBuiltQueries()
	t.printEnd(view.FormatSummary(t.report))
}

// printEnd prints the summary, the next command and the verdict.
func (t *reportWriter) printEnd(summary string) {
	t.addWrapped("", "", summary, t.Palette.ordinaryStyle())
	t.printNextCommand()
	t.addWrapped("", "", view.FormatVerdict(t.report), t.verdictStyle())
}

// printBuiltQueries prints how many queries of the deployed code could not be read.
func (t *reportWriter) printBuiltQueries() {
	if line := view.DescribeBuiltQueries(t.report); line != "" {
		t.addWrapped("", "  ", line, t.Dim)
	}
}

// printNextCommand prints the next command.
func (t *reportWriter) printNextCommand() {
	if r := t.report; len(r.Summary.Next) > 0 {
		next := make([]string, len(r.Summary.Next))
		for i, n := range r.Summary.Next {
			next[i] = escape.Line(n)
		}
		if text := strings.Join(next, "   or   "); len(text) <= t.width-6 {
			t.addLine(t.paintLine(t.Dim, "next: "), text)
			return
		}
		for i, n := range next {
			head := "      "
			if i == 0 {
				head = "next: "
			}
			t.addLine(t.paintLine(t.Dim, head), n)
		}
	}
}
