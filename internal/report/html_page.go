package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// htmlPage is what the template shows. Its strings are safe to be seen: they
// went through Line or Visible; the template escapes them for their place.
type htmlPage struct {
	CSP   string
	CSS   template.CSS
	JS    template.JS
	Title string
	// Tone is "error", "warning" or "ok": the verdict's colour.
	Tone, Mark, Verdict string
	// Deploy follows the mark where it is about a deploy.
	Deploy string
	// Verdict names the place of a finding in its middle: At is that place, After
	// what follows it, and Guilty the finding; without one At and After are empty.
	At, After string
	Guilty    *htmlFinding
	Subtitle  string
	// Runners say how it is known who runs the migrations.
	Runners    []string
	Lead       []string
	Chart      *htmlChart
	Migrations []htmlMigration
	// Count is how many statements there are; they are numbered from 1.
	Count int
	// Findings are all of them, worst first.
	Findings    []htmlFinding
	Opaque      []htmlOpaque
	Differences []htmlDifference
	Failures    []htmlFailure
	Waiters     []htmlWaiter
	Multiples   []htmlMultiple
	// MultipleLanes names the lanes of the multiples.
	MultipleLanes string
	Measured      *htmlMeasured
	Verified      *htmlVerified
	Counts        string
	Next          []string
}

type htmlMigration struct {
	N          int
	Path, Name string
	How, Tone  string
	Verdict    string
	Changes    []htmlChange
	Statements []htmlStatement
	Opaque     []htmlOpaque
}

type htmlChange struct{ Kind, Sign, Object, Text string }

type htmlStatement struct {
	N                int
	Place, Line, SQL string
	Whole            string
	// Who, Took and Harm are for the list: whom it blocks, for how long it ran,
	// and for how long its locks kept others out.
	Who, Took, Harm string
	Facts           []htmlFact
	Locks           []htmlLock
	// Fresh are the relations that nobody uses yet.
	Fresh             string
	Seen              bool
	Nested            []htmlNested
	Failed            *htmlError
	Note              string
	Findings          []htmlMention
	Quiet, Unrun      bool
	DifferenceNumbers []int
}

type htmlFact struct{ Name, Value string }

type htmlLock struct{ Relation, Lock, Work, Who, Blocks, At, Waited, Held string }

type htmlNested struct{ SQL, Took string }

type htmlError struct{ Code, Message, Detail, Hint string }

type htmlOpaque struct{ Place, Text string }

type htmlDifference struct {
	N                                       int // of the statement, 0 when unknown
	Place, Relation, Model, Server, Version string
	Report                                  string
}

type htmlFailure struct{ Relation, Query, At, Count, Code, Message, Sender, After string }

type htmlMeasured struct {
	Rows    []htmlFact
	Tables  []htmlFact
	Notes   []string
	Command []string
}

func newHTMLPage(r *onward.Report) *htmlPage {
	p := &htmlPage{
		Title: revisions(r), Verdict: verdict(r), Tone: "ok", Mark: "safe", Deploy: " to deploy", Counts: counts(r),
	}
	p.tone(r)
	for _, n := range r.Summary.Next {
		p.Next = append(p.Next, Line(n))
	}
	var run *onward.Rehearsal
	if len(r.Rehearsals) > 0 {
		run = &r.Rehearsals[0]
	}
	b := &htmlBuilder{report: r, run: run, index: newIndex(r)}
	if run != nil {
		b.lanes, b.created = lanes(run)
	}
	b.number()
	b.list()
	p.Subtitle, p.Runners = b.subtitle(), runnerLines(r, Line)
	for i := range r.Migrations {
		p.Migrations = append(p.Migrations, b.migration(i))
	}
	p.Count = b.count
	p.Findings = b.findings
	p.Verdict, p.At, p.After, p.Guilty = b.guilty(p.Verdict)
	_, opaque := b.index.elsewhere()
	for i := range opaque {
		p.Opaque = append(p.Opaque, htmlOpaque{Line(place(opaque[i].Path, opaque[i].Line, opaque[i].Column)), sentence(&opaque[i])})
	}
	if p.Title == "" {
		p.Title = Count(len(r.Migrations), noun(r))
	}
	p.Verified = b.verified()
	if run == nil {
		return p
	}
	p.Lead = b.lead()
	p.Chart = b.chart()
	p.Differences = b.differences()
	p.Failures, p.Waiters = b.failures(), b.waiters()
	if len(r.Rehearsals) > 1 {
		p.Multiples, p.MultipleLanes = b.multiples()
	}
	p.Measured = b.measured()
	return p
}

// tone sets the verdict's colour, and its word for who sees no colour.
func (p *htmlPage) tone(r *onward.Report) {
	switch s := &r.Summary; {
	case s.Withheld == onward.WithheldHistory && s.Errors > 0:
		p.Tone, p.Mark, p.Deploy = "error", "errors", ""
	case s.Errors > 0:
		p.Tone, p.Mark = "error", "not safe"
	case s.Withheld != "":
		p.Tone, p.Mark, p.Deploy = "ok", "no errors", ""
		if s.Warnings > 0 || slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return o.Failed }) {
			p.Tone, p.Mark = "warning", "no verdict"
		}
	case s.State == onward.StateSafeIf:
		p.Tone, p.Mark, p.Deploy = "warning", "safe to deploy if …", ""
	case !s.Safe:
		p.Tone, p.Mark = "warning", "not certain"
	case s.Warnings > 0:
		p.Tone, p.Mark = "warning", "with warnings"
	}
}

// htmlBuilder makes the parts of the page.
type htmlBuilder struct {
	report *onward.Report
	run    *onward.Rehearsal // the main one, nil for none
	index  *index
	count  int
	// lanes are those of the main run; created counts the relations it made.
	lanes   []lane
	created int
	// under has, by a statement and a relation that it worked on, the earlier
	// statement whose lock it worked under.
	under map[foot]int
	// numbers has the number of each statement of each migration; ran the
	// statement's run, where it ran.
	numbers [][]int
	ran     map[int]int // number → index in run.Statements
	// findings are the report's, worst first; rank has the number of each there.
	findings []htmlFinding
	rank     map[*onward.Finding]int
}

// number numbers the statements through the release.
func (b *htmlBuilder) number() {
	b.numbers = make([][]int, len(b.report.Migrations))
	for i := range b.report.Migrations {
		for range b.report.Migrations[i].Statements {
			b.count++
			b.numbers[i] = append(b.numbers[i], b.count)
		}
	}
	b.ran, b.under = map[int]int{}, map[foot]int{}
	for i := range b.lanes {
		for _, bar := range b.lanes[i].bars {
			for _, w := range bar.works {
				if w.statement != bar.statement {
					b.under[foot{b.lanes[i].relation, w.statement}] = bar.statement
				}
			}
		}
	}
	if b.run == nil {
		return
	}
	for i := range b.run.Statements {
		if n := b.numberOf(b.run, i); n > 0 {
			if _, twice := b.ran[n]; !twice {
				b.ran[n] = i
			}
		}
	}
}

// numberOf is the number of a statement that ran; 0 when it is none of the
// report's.
func (b *htmlBuilder) numberOf(run *onward.Rehearsal, i int) int {
	if _, s := rehearsed(b.report, run, i); s == nil {
		return 0
	}
	return b.numbers[run.Statements[i].Migration][run.Statements[i].Statement]
}

func (b *htmlBuilder) subtitle() string {
	r := b.report
	parts := []string{Count(len(r.Migrations), noun(r))}
	if by := runBy(r, Line, Line); by != "" {
		parts = append(parts, by)
	}
	if v := r.Verification; v != nil && b.run == nil {
		return strings.Join(append(parts, "judged for "+judgedFor(r), "verified on Postgres "+Line(v.Version)), " · ")
	}
	if b.run == nil {
		return strings.Join(append(parts, "judged for "+judgedFor(r), "not rehearsed"), " · ")
	}
	parts = append(parts, "rehearsed on "+server(b.run), data(b.run))
	if b.run.Traffic == nil {
		parts = append(parts, "no traffic")
	}
	return strings.Join(parts, " · ")
}

// lead is what the rehearsal found, in sentences: the harm in one number,
// failures, and how the traffic fared.
func (b *htmlBuilder) lead() []string {
	var out []string
	if harm := b.harm(); harm != "" {
		out = append(out, harm)
	}
	failed := 0
	for i := range b.run.Statements {
		if f := b.run.Statements[i].Failed; f != nil {
			if failed++; failed == 1 {
				out = append(out, fmt.Sprintf("%s failed: %s.", upper(b.named(i)), strings.TrimSuffix(Line(f.Message), ".")))
			}
		}
	}
	t := b.run.Traffic
	switch stalls := worstStalls(t); {
	case len(stalls) > 0:
		out = append(out, fmt.Sprintf("%s of %s waited for a lock, the longest %s; usually a query takes %s.",
			upper(grouped(t.Waited)), queries(t.Queries), Millis(stalls[0].UntilMS-stalls[0].FromMS), Millis(t.UsualMS)))
	case t != nil:
		out = append(out, fmt.Sprintf("No query stood still: %s beside the release, the slowest %s.", queries(t.Queries), Millis(t.WorstMS)))
	}
	return out
}

// leastHarm is how long a relation must be blocked to be worth a sentence at the
// top, in milliseconds: a shorter time is what every ALTER TABLE takes.
const leastHarm = 100

// harm says in one number what the release did to the relation that it blocked
// for longest: "No reads or writes on customers for 9.91 of 15.7 s, because of …".
func (b *htmlBuilder) harm() string {
	var worst *lane
	for i := range b.lanes {
		if l := &b.lanes[i]; l.writesMS >= leastHarm && (worst == nil || l.readsMS > worst.readsMS || l.readsMS == worst.readsMS && l.writesMS > worst.writesMS) {
			worst = l
		}
	}
	if worst == nil {
		return ""
	}
	what, kind, ms := "reads or writes", "read", worst.readsMS
	if ms < leastHarm {
		what, kind, ms = "writes", "write", worst.writesMS
	}
	text := fmt.Sprintf("No %s on %s for %s of %s", what, relation(worst.relation), Millis(ms), Millis(length(b.run)))
	if name := b.named(worst.longest(kind)); name != "" {
		text += ", because of " + name
	}
	return text + "."
}

// named is a statement with its number and place: "statement 3
// (00043_rename.sql:4)".
func (b *htmlBuilder) named(i int) string {
	at := shortPlace(b.report, b.run, i)
	if n := b.numberOf(b.run, i); n > 0 {
		return fmt.Sprintf("statement %d (%s)", n, at)
	}
	return at
}

func (b *htmlBuilder) migration(i int) htmlMigration {
	m := &b.report.Migrations[i]
	out := htmlMigration{N: i + 1, Path: Line(m.Path), Name: Line(ShortName(m.Path)), How: transactionWords(m)}
	if m.Status != "" && m.Status != onward.StatusNew {
		out.How = Line(string(m.Status)) + " · " + out.How
	}
	if b.run != nil {
		for _, t := range b.run.Transactions {
			if t.Migration == i && t.RolledBack {
				out.How += " · rolled back"
				break
			}
		}
	}
	findings := b.index.of(m)
	out.Verdict, out.Tone = outcome(b.index, m), "ok"
	if len(findings) > 0 {
		worst := slices.MaxFunc(findings, func(a, b *onward.Finding) int { return int(a.Severity) - int(b.Severity) })
		out.Tone = worst.Severity.String()
	}
	for _, c := range m.Changes {
		sign := map[string]string{"add": "+", "drop": "−"}[c.Kind]
		if sign == "" {
			sign = "~"
		}
		text := Line(c.Text)
		if c.New && !strings.HasPrefix(text, "new ") {
			text += " (new)"
		}
		out.Changes = append(out.Changes, htmlChange{Kind: Line(c.Kind), Sign: sign, Object: Line(c.Object), Text: text})
	}
	for j := range m.Statements {
		out.Statements = append(out.Statements, b.statement(i, j))
	}
	at := statementsAt(m)
	for _, found := range findings {
		at, ok := at[found.Line]
		f := &b.findings[b.rank[found]-1]
		if !ok {
			continue
		}
		st := &out.Statements[at]
		f.Statement = st.N
		st.Findings = append(st.Findings, htmlMention{N: f.N, Severity: f.Severity, Fact: f.Fact})
		st.Quiet = false
	}
	for _, o := range b.index.opaqueIn(m) {
		if at, ok := at[o.Line]; ok {
			out.Statements[at].Note, out.Statements[at].Quiet = sentence(o), false
			continue
		}
		out.Opaque = append(out.Opaque, htmlOpaque{Line(place(o.Path, o.Line, o.Column)), sentence(o)})
	}
	return out
}

// statementsAt are the statements that lines belong to: the last that begins at or
// before a line and reaches it; of several that begin on one line the first that
// locks something.
func statementsAt(m *onward.Migration) map[int]int {
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

// upper begins a sentence.
func upper(s string) string {
	if s == "" {
		return "A statement"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
