package html

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// reportPage is the input of the template. Its strings went through [escape.Line] or [escape.Controls]; the template escapes them for
// their place.
type reportPage struct {
	CSP   string
	CSS   template.CSS
	JS    template.JS
	Title string
	// Tone is "error", "warning" or "ok": the verdict's colour.
	Tone, Mark, Verdict string
	// Deploy follows the mark if the verdict is about a deploy.
	Deploy string
	// Verdict ends before the place of a finding, if it names one. At is that place, After the rest, and Guilty the
	// finding; without such a place At and After are empty.
	At, After string
	Guilty    *pageFinding
	Subtitle  string
	// Runners say who runs the migrations, and how that is known.
	Runners    []string
	Lead       []string
	Chart      *pageChart
	Migrations []pageMigration
	// Count is how many statements there are; they are numbered from 1.
	Count int
	// Overview is a table of the migrations, if there are many.
	Overview []pageMigration
	// Findings are all of them, worst first.
	Findings    []pageFinding
	Opaque      []pageOpaque
	Differences []pageDifference
	Failures    []pageFailure
	Waiters     []pageWaiter
	Multiples   []pageMultiple
	// MultipleLanes names the lanes of the multiples.
	MultipleLanes string
	Measured      *pageMeasured
	Verified      *pageVerified
	Counts        string
	// Built says how many queries of the code could not be read.
	Built string
	Next  []string
}

type pageMigration struct {
	N          int
	Path, Name string
	How, Tone  string
	Verdict    string
	Changes    []pageChange
	Statements []pageStatement
	Opaque     []pageOpaque
}

type pageChange struct{ Kind, Sign, Object, Text string }

type pageStatement struct {
	N                int
	Place, Line, SQL string
	Whole            string
	// Who, Took and Harm are for the list: whom it blocks, how long it ran, and how long its locks blocked others.
	Who, Took, Harm string
	Facts           []pageFact
	Locks           []pageLock
	// Fresh are the relations that nobody uses yet.
	Fresh             string
	Seen              bool
	Nested            []pageNested
	Failed            *pageError
	Note              string
	Findings          []pageMention
	Quiet, Unrun      bool
	DifferenceNumbers []int
}

type pageFact struct{ Name, Value string }

type pageLock struct{ Relation, Lock, Work, Who, Blocks, At, Waited, Held string }

type pageNested struct{ SQL, Took string }

type pageError struct{ Code, Message, Detail, Hint string }

type pageOpaque struct{ Place, Text string }

func newPageOpaque(o *onward.Opaque) pageOpaque {
	return pageOpaque{escape.Line(view.FormatPlace(o.Path, o.Line, o.Column)), view.FormatOpaque(o)}
}

type pageDifference struct {
	N                                       int // of the statement, 0 when unknown
	Place, Relation, Model, Server, Version string
	Report                                  string
}

type pageFailure struct{ Relation, Query, At, Count, Code, Message, Sender, After string }

type pageMeasured struct {
	Rows    []pageFact
	Tables  []pageFact
	Notes   []string
	Command []string
}

func newReportPage(r *onward.Report) *reportPage {
	p := &reportPage{
		Title: view.FormatRevisions(r), Verdict: view.FormatVerdict(r), Tone: "ok", Mark: "safe", Deploy: " to deploy", Counts: view.FormatSummary(r),
	}
	p.Built = view.DescribeBuiltQueries(r)
	p.setTone(r)
	for _, n := range r.Summary.Next {
		p.Next = append(p.Next, escape.Line(n))
	}
	var run *onward.Rehearsal
	if len(r.Rehearsals) > 0 {
		run = &r.Rehearsals[0]
	}
	b := &pageBuilder{report: r, run: run, index: view.NewIndex(r)}
	if run != nil {
		b.lanes, b.created = view.MakeLanes(run)
	}
	b.numberStatements()
	b.buildFindings()
	p.Subtitle, p.Runners = b.buildSubtitle(), view.DescribeRunners(r, escape.Line)
	for i := range r.Migrations {
		p.Migrations = append(p.Migrations, b.buildMigration(i))
	}
	if len(p.Migrations) >= view.ManyMigrations {
		p.Overview = p.Migrations
	}
	p.Count = b.count
	p.Findings = b.findings
	p.Verdict, p.At, p.After, p.Guilty = b.splitVerdict(p.Verdict)
	_, opaque := b.index.ListUnassigned()
	for i := range opaque {
		p.Opaque = append(p.Opaque, newPageOpaque(&opaque[i]))
	}
	if p.Title == "" {
		p.Title = prose.CountNoun(len(r.Migrations), view.CountedNoun(r))
	}
	p.Verified = b.buildVerified()
	if run == nil {
		return p
	}
	p.Lead = b.describeResults()
	p.Chart = b.buildChart()
	p.Differences = b.listDifferences()
	p.Failures, p.Waiters = b.listFailures(), b.listWaiters()
	if len(r.Rehearsals) > 1 {
		p.Multiples, p.MultipleLanes = b.buildMultiples()
	}
	p.Measured = b.describeMeasurement()
	return p
}

// pageBuilder builds the parts of the page.
type pageBuilder struct {
	report *onward.Report
	run    *onward.Rehearsal // the main one, nil for none
	index  *view.Index
	count  int
	// lanes are the main run's lanes; created counts the relations that it created.
	lanes   []view.Lane
	created int
	// under maps a statement and a relation that it worked on to the earlier statement whose lock it used.
	under map[barEnd]int
	// numbers has the number of each statement of each migration. ran maps a number to the statement's run, if it
	// ran.
	numbers [][]int
	ran     map[int]int // number → index in run.Statements
	// findings are the report's findings, worst first; rank maps each to its number there.
	findings []pageFinding
	rank     map[*onward.Finding]int
}

// numberStatements numbers the statements through the release.
func (b *pageBuilder) numberStatements() {
	b.numbers = make([][]int, len(b.report.Migrations))
	for i := range b.report.Migrations {
		for range b.report.Migrations[i].Statements {
			b.count++
			b.numbers[i] = append(b.numbers[i], b.count)
		}
	}
	b.ran, b.under = map[int]int{}, map[barEnd]int{}
	for i := range b.lanes {
		for _, bar := range b.lanes[i].Bars {
			for _, w := range bar.Works {
				if w.Statement != bar.Statement {
					b.under[barEnd{b.lanes[i].Relation, w.Statement}] = bar.Statement
				}
			}
		}
	}
	if b.run == nil {
		return
	}
	for i := range b.run.Statements {
		if n := b.numberOf(b.run, i); n > 0 {
			if _, seen := b.ran[n]; !seen {
				b.ran[n] = i
			}
		}
	}
}

// numberOf returns the number of a statement that ran; 0 if the report does not have it.
func (b *pageBuilder) numberOf(run *onward.Rehearsal, i int) int {
	if _, s := view.FindStatement(b.report, run, i); s == nil {
		return 0
	}
	return b.numbers[run.Statements[i].Migration][run.Statements[i].Statement]
}

func (b *pageBuilder) buildSubtitle() string {
	r := b.report
	parts := []string{prose.CountNoun(len(r.Migrations), view.CountedNoun(r))}
	if runners := view.NameRunners(r, escape.Line, escape.Line); runners != "" {
		parts = append(parts, runners)
	}
	if v := r.Verification; v != nil && b.run == nil {
		return strings.Join(append(parts, "judged for "+view.DescribeVersions(r), "verified on Postgres "+escape.Line(v.Version)), " · ")
	}
	if b.run == nil {
		return strings.Join(append(parts, "judged for "+view.DescribeVersions(r), "not rehearsed"), " · ")
	}
	parts = append(parts, "rehearsed on "+view.NameServer(b.run), view.DescribeData(b.run))
	if b.run.Traffic == nil {
		parts = append(parts, "no traffic")
	}
	return strings.Join(parts, " · ")
}

// describeResults returns the results of the rehearsal in sentences: the harm in one number, failures, and the effect on the
// traffic.
func (b *pageBuilder) describeResults() []string {
	var out []string
	if harm := b.describeHarm(); harm != "" {
		out = append(out, harm)
	}
	if failed := view.ListFailedRuns(b.report, b.run); len(failed) > 0 {
		out = append(out, fmt.Sprintf("%s failed: %s.", view.CapitalizeFirst(b.statementReference(failed[0].Statement)),
			strings.TrimSuffix(escape.Line(failed[0].Err.Message), ".")))
	}
	t := b.run.Traffic
	switch stalls := view.ListStalls(b.report, b.run); {
	case len(stalls) > 0:
		out = append(out, fmt.Sprintf("%s of %s waited for a lock, the longest %s; usually a query takes %s.",
			view.CapitalizeFirst(view.GroupDigits(t.Waited)), view.CountQueries(t.Queries), stalls[0].Waited, view.FormatMillis(t.UsualMS)))
	case t != nil:
		out = append(out, fmt.Sprintf("No query waited: %s beside the release, the slowest %s.", view.CountQueries(t.Queries), view.FormatMillis(t.WorstMS)))
	}
	return out
}

// describeHarm says in one number how the release affected the relation that it blocked for longest, and from which statement
// on: "No reads or writes on customers for 9.91 of 15.7 s, from statement 3 (…) on".
func (b *pageBuilder) describeHarm() string {
	var worst *view.Lane
	for i := range b.lanes {
		if l := &b.lanes[i]; l.WritesMS >= view.LeastHarm &&
			(worst == nil || l.ReadsMS > worst.ReadsMS || l.ReadsMS == worst.ReadsMS && l.WritesMS > worst.WritesMS) {
			worst = l
		}
	}
	if worst == nil {
		return ""
	}
	activity, kind, ms := "reads or writes", "read", worst.ReadsMS
	if ms < view.LeastHarm {
		activity, kind, ms = "writes", "write", worst.WritesMS
	}
	text := fmt.Sprintf("No %s on %s for %s of %s", activity, view.ShortenRelation(worst.Relation), view.FormatMillis(ms),
		view.FormatMillis(view.TimelineEnd(b.run)))
	if i := worst.FirstBlocking(kind); i >= 0 {
		text += ", from " + b.statementReference(i) + " on"
	}
	return text + "."
}

// statementReference returns a statement's number and place: "statement 3 (00043_rename.sql:4)".
func (b *pageBuilder) statementReference(i int) string {
	place := view.NamePlace(b.report, b.run, i)
	if n := b.numberOf(b.run, i); n > 0 {
		return fmt.Sprintf("statement %d (%s)", n, place)
	}
	return place
}

func (b *pageBuilder) buildMigration(i int) pageMigration {
	m := &b.report.Migrations[i]
	out := pageMigration{N: i + 1, Path: escape.Line(m.Path), Name: escape.Line(view.ShortName(m.Path)) + view.ChangesetName(m), How: view.DescribeTransaction(m)}
	if m.Status != "" && m.Status != onward.StatusNew {
		out.How = escape.Line(string(m.Status)) + " · " + out.How
	}
	if b.run != nil {
		for _, t := range b.run.Transactions {
			if t.Migration == i && t.RolledBack {
				out.How += " · rolled back"
				break
			}
		}
	}
	findings := b.index.FindingsOn(m)
	out.Verdict, out.Tone = view.DescribeOutcome(b.index, m), "ok"
	if len(findings) > 0 {
		worst := slices.MaxFunc(findings, func(a, b *onward.Finding) int { return int(a.Severity) - int(b.Severity) })
		out.Tone = worst.Severity.String()
	}
	for _, c := range m.Changes {
		sign := map[string]string{"add": "+", "drop": "−"}[c.Kind]
		if sign == "" {
			sign = "~"
		}
		out.Changes = append(out.Changes, pageChange{Kind: escape.Line(c.Kind), Sign: sign, Object: escape.Line(c.Object), Text: view.DescribeChange(&c)})
	}
	for j := range m.Statements {
		out.Statements = append(out.Statements, b.buildStatement(i, j))
	}
	indexByLine := statementsByLine(m)
	for _, found := range findings {
		index, ok := indexByLine[found.Line]
		f := &b.findings[b.rank[found]-1]
		if !ok {
			continue
		}
		st := &out.Statements[index]
		if b.index.IsFirst(found) {
			f.Statement = st.N
		}
		st.Findings = append(st.Findings, pageMention{N: f.N, Severity: f.Severity, Fact: escape.Line(found.Fact)})
		st.Quiet = false
	}
	for _, o := range b.index.OpaqueIn(m) {
		if index, ok := indexByLine[o.Line]; ok {
			out.Statements[index].Note, out.Statements[index].Quiet = view.FormatOpaque(o), false
			continue
		}
		out.Opaque = append(out.Opaque, newPageOpaque(o))
	}
	return out
}

// statementsByLine maps lines to statements. A line belongs to the last statement that begins at or before it and reaches
// it. If several begin on one line, it is the first one that locks something.
func statementsByLine(m *onward.Migration) map[int]int {
	out := make(map[int]int, len(m.Statements))
	for i := range m.Statements {
		s := &m.Statements[i]
		if s.Line <= 0 {
			continue
		}
		for line := s.Line; line <= s.Line+strings.Count(s.SQL, "\n"); line++ {
			found, ok := out[line]
			if !ok || s.Line > m.Statements[found].Line || len(m.Statements[found].Effects) == 0 && len(s.Effects) > 0 {
				out[line] = i
			}
		}
	}
	return out
}
