package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// Terminal prints the report for people. Migrations are in the order in which they run,
// each with its changes, its locks and its findings. The verdict and the next step are
// last, where the eye stops. A clean release takes three lines. A rehearsed release
// begins with its timeline, and static findings take one line each, unless
// Options.Verbose is set.
func Terminal(w io.Writer, r *onward.Report, o Options) error {
	t := &terminal{page: newPage(o), report: r, index: newIndex(r), verbose: o.Verbose, brief: o.Brief}
	switch {
	case o.Quiet:
		t.printQuiet()
	case len(r.Migrations) == 0 && len(r.Findings) == 0 && len(r.Opaque) == 0 && len(r.Verdicts) == 0:
		t.printNoMigrations()
	case r.Verification != nil && !o.Verbose:
		t.printVerified()
	case isClean(r) && !o.Verbose:
		t.printShort()
	case len(r.Rehearsals) > 0 && !o.Verbose:
		t.printRehearsed()
	default:
		t.printFull()
	}
	return t.writePage(w)
}

type terminal struct {
	*page
	report  *onward.Report
	index   *index
	verbose bool
	brief   bool
	rules   map[string]bool // explained already
}

// limitList returns how many elements of a list are printed: all if the report is verbose.
func (t *terminal) limitList(most int) int {
	if t.verbose {
		return math.MaxInt
	}
	return most
}

// addRest says how many elements of a list are not printed, in words such as "3 more notes".
func (t *terminal) addRest(indent string, more int, words string, style lipgloss.Style) {
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
func (t *terminal) printRehearsed() {
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
	t.printUnjudged(r.Opaque)
	t.addBlankLine()
	t.printSummary()
}

// printHead prints the verdict, the revisions, and who runs the migrations.
func (t *terminal) printHead() {
	t.printVerdictFirst()
	t.addTwoSided(t.reportTitle(), t.reportSubtitle(), t.Bold, t.Dim)
	t.printRunners()
}

// printFindingLine prints a finding's severity, place, fact and rule.
func (t *terminal) printFindingLine(f *onward.Finding) {
	mark := t.paintLine(t.Severity(f.Severity), padRight(f.Severity.String(), 7))
	t.addWrapped("  "+mark+"  ", "           ", t.displayPath(formatPlace(f.Path, f.Line, f.Column))+"  "+EscapeLine(f.Fact)+" ("+EscapeLine(f.Rule)+")",
		t.ordinaryStyle())
}

// printUnjudged lists what could not be judged.
func (t *terminal) printUnjudged(list []onward.Opaque) {
	if len(list) == 0 {
		return
	}
	t.addHeading("not judged")
	for i := range list {
		t.printOpaque("", &list[i])
	}
}

func (t *terminal) printFull() {
	r := t.report
	t.printHead()
	t.printOverview()
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if t.brief && len(t.index.findingsOn(m))+len(t.index.also[m.Path]) == 0 && len(t.index.opaqueIn(m)) == 0 {
			continue
		}
		t.addBlankLine()
		t.printMigration(m)
	}
	findings, opaque := t.index.listUnassigned()
	if len(findings) > 0 {
		t.addHeading("beside the migrations")
		t.wholeOrPointed(findings)
	}
	t.printUnjudged(opaque)
	t.printRehearsal()
	t.printVerification()
	t.addBlankLine()
	if r.Sizes != nil {
		text := "times are estimates, at " + throughputWords(r.Sizes)
		if n := r.Sizes.SmallBelow; n > 0 {
			text += "; tables below " + size.FormatBytes(n) + " are small"
		}
		t.addLine(t.paintLine(t.Dim, cutToWidth(text, t.width)))
	}
	t.printSummary()
}

// printQuiet prints the findings in a line each, and the verdict.
func (t *terminal) printQuiet() {
	for _, f := range t.report.Findings {
		style := t.Severity(f.Severity)
		t.addLine(t.displayPath(formatPlace(f.Path, f.Line, f.Column)), ": ", t.paintLine(style, f.Severity.String()), ": ", EscapeLine(f.Fact), " (",
			EscapeLine(f.Rule), ")")
	}
	for i := range t.report.Verdicts {
		d := &t.report.Verdicts[i]
		t.addLine(t.displayPath(formatPlace(d.After.Path, d.After.Line, 0)), ": ", t.paintLine(t.Severity(d.Severity), d.Severity.String()), ": ", verdictHead(d),
			" (", codeWords(d.Code), ", ", EscapeLine(string(d.Kind)), ")")
	}
	for _, o := range t.report.Opaque {
		if o.Failed {
			t.addLine(t.displayPath(formatPlace(o.Path, o.Line, o.Column)), ": not judged: ", formatOpaque(&o))
		}
	}
	t.addWrapped("", "", verdictSentence(t.report), t.verdictStyle())
}

// printNoMigrations prints the report of a release without migrations.
func (t *terminal) printNoMigrations() {
	subject := comparedRevisions(t.report)
	if subject != "" {
		subject += "  "
	}
	t.addWrapped("", "  ", subject+"no new migrations", t.Bold)
	if t.report.Summary.Verdict != "" {
		t.addWrapped("", "", verdictSentence(t.report), t.verdictStyle())
	}
}

// printRunners prints who runs the migrations, and how that is known.
func (t *terminal) printRunners() {
	for _, line := range runnerLines(t.report, t.displayPath) {
		t.addWrapped("", "  ", line, t.Dim)
	}
}

// printShort prints the report of a clean release: its changes, the verdict, and the items
// that were not judged.
func (t *terminal) printShort() {
	r := t.report
	var changes []string
	for i := range r.Migrations {
		for _, c := range r.Migrations[i].Changes {
			text := EscapeLine(c.Text)
			if c.Object != "" {
				text = EscapeLine(c.Object) + " " + text
			}
			changes = append(changes, text)
		}
	}
	what := "no change of the schema"
	if len(changes) > 0 {
		what = strings.Join(changes, "; ")
	}
	if t.brief {
		what = FormatVersions(r.Postgres)
	}
	t.printVerdictFirst()
	head := prose.CountNoun(r.Summary.Migrations, countedNoun(r)) + ": "
	if title := comparedRevisions(r); title != "" {
		head = title + "  " + head
	}
	t.addLine(t.paintLine(t.Bold, cutToWidth(head, t.width)), cutToWidth(what, t.width-textWidth(head)))
	if len(r.Rehearsals) > 0 {
		t.printRehearsal()
		t.addBlankLine()
	}
	rest := "everything was judged"
	if r.PostgresFrom != "" {
		rest += ", for " + judgedFor(r)
	}
	if r.Summary.Suppressed > 0 {
		rest = prose.CountNoun(r.Summary.Suppressed, "finding") + " suppressed"
	}
	if n := len(r.Opaque); n > 0 {
		o := &r.Opaque[0]
		rest = fmt.Sprintf("%d not judged: %s, %s", n, EscapeLine(o.What), t.displayPath(formatPlace(o.Path, o.Line, o.Column)))
		if n > 1 {
			rest += fmt.Sprintf(" and %d more (-v shows them)", n-1)
		}
	}
	doubt := slices.DeleteFunc(usedRunners(r), func(by *onward.Runner) bool { return !by.Assumed && by.Proof == nil })
	if len(doubt) == 0 {
		t.addLine(t.paintLine(t.Dim, cutToWidth(rest, t.width)))
	} else {
		t.addWrapped("", "", rest+"; "+runnerWords(doubt[0], t.displayPath), t.Dim)
	}
	t.printBuiltQueries()
}

// reportTitle returns the subject of the report.
func (t *terminal) reportTitle() string {
	if title := comparedRevisions(t.report); title != "" {
		return title
	}
	return prose.CountNoun(len(t.report.Migrations), countedNoun(t.report))
}

// reportSubtitle returns the number of migrations, their framework, their directory, and the
// versions of Postgres.
func (t *terminal) reportSubtitle() string {
	r := t.report
	var parts []string
	if comparedRevisions(r) != "" {
		parts = append(parts, prose.CountNoun(len(r.Migrations), "migration"))
	}
	if by := runBy(r, EscapeLine, t.displayPath); by != "" {
		parts = append(parts, by)
	}
	return strings.Join(append(parts, judgedFor(r)), " · ")
}

// printMigration prints one migration: its changes, statements and findings.
func (t *terminal) printMigration(m *onward.Migration) {
	right := transactionWords(m)
	if m.Status != "" && m.Status != onward.StatusNew {
		right = EscapeLine(string(m.Status)) + " · " + right
	}
	t.addTwoSided(t.displayPath(m.Path), right, t.Bold, t.Dim)
	t.printChanges(m.Changes)
	findings, opaque := t.index.findingsOn(m), t.index.opaqueIn(m)
	t.printStatements(m, findings, opaque)
	t.printRepeated(m, false)
	if len(findings)+len(t.index.also[m.Path]) == 0 {
		// Items that were not judged are listed below; they are not ok.
		if len(opaque) == 0 {
			t.addLine("  ", t.paintLine(t.OK, "ok"))
		}
	}
	for _, o := range opaque {
		t.printOpaque("not judged: ", o)
	}
	t.wholeOrPointed(findings)
	t.printRepeated(m, true)
}

// wholeOrPointed prints findings in full, or in one line if a similar one was printed
// before.
func (t *terminal) wholeOrPointed(findings []*onward.Finding) {
	t.pointedAt(findings)
	for _, f := range findings {
		if t.isPrinted(f) {
			t.printFinding(f)
		}
	}
}

// maxChanges bounds the changes that are printed for one migration.
const maxChanges = 20

func (t *terminal) printChanges(changes []onward.Change) {
	width := 7
	for _, c := range changes {
		width = min(max(width, textWidth(EscapeLine(c.Object))), 24)
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
		object := EscapeLine(c.Object)
		if textWidth(object) > width {
			t.addWrapped("  ", "  ", object, t.Palette.ordinaryStyle())
			object = ""
		}
		head := "  " + padRight(object, width) + "  " + sign + " "
		t.addWrapped(head, strings.Repeat(" ", width+6), describeChange(&c), t.Palette.ordinaryStyle())
	}
	t.addRest("  ", more, fmt.Sprintf("%d more changes", more), t.Dim)
}

// printOpaque prints what could not be judged.
func (t *terminal) printOpaque(label string, o *onward.Opaque) {
	style := t.Dim
	if o.Failed {
		style = t.Warning
	}
	t.addWrapped("  ", "    ", label+t.displayPath(formatPlace(o.Path, o.Line, o.Column))+": "+formatOpaque(o), style)
}

// printVerdictFirst prints the verdict as the first line.
func (t *terminal) printVerdictFirst() {
	t.addWrapped("", "", verdictSentence(t.report), t.verdictStyle())
}

// printSummary prints the summary: counts, the next command, and the verdict as the last line.
func (t *terminal) printSummary() {
	r := t.report
	t.printBuiltQueries()
	t.addWrapped("", "", summaryLine(r), t.Palette.ordinaryStyle())
	t.printNextCommand()
	t.addWrapped("", "", verdictSentence(r), t.verdictStyle())
}

// printBuiltQueries prints how many queries of the deployed code could not be read.
func (t *terminal) printBuiltQueries() {
	if line := builtQueriesLine(t.report); line != "" {
		t.addWrapped("", "  ", line, t.Dim)
	}
}

// printNextCommand prints the next command.
func (t *terminal) printNextCommand() {
	if r := t.report; len(r.Summary.Next) > 0 {
		next := make([]string, len(r.Summary.Next))
		for i, n := range r.Summary.Next {
			next[i] = EscapeLine(n)
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
