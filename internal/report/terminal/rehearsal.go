package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// printRehearsal prints the observations: the timeline, who waited, what failed, where the
// model was wrong, and the other versions.
func (t *reportWriter) printRehearsal() {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	t.addBlankLine()
	t.addTwoSided("rehearsed on "+view.NameServer(run), view.DescribeData(run), t.Bold, t.Dim)
	if run.Chosen != "" {
		t.addWrapped("  ", "  ", escape.Line(run.Chosen), t.Dim)
	}
	if len(run.Statements) > 0 {
		t.printTimeline(run)
	}
	t.printBlocks([]block.Block{view.ListObserved(t.report, run, t.scope())})
}

// printObserved prints what the rehearsal saw of a statement: "held 4.21 s, 118 queries
// waited up to 4.20 s".
func (t *reportWriter) printObserved(m *onward.Migration, index int) {
	if len(t.report.Rehearsals) == 0 {
		return
	}
	run := &t.report.Rehearsals[0]
	i := slices.IndexFunc(run.Statements, func(s onward.RehearsedStatement) bool {
		return s.Statement == index && s.Migration >= 0 && s.Migration < len(t.report.Migrations) && &t.report.Migrations[s.Migration] == m
	})
	if i < 0 {
		return
	}
	s := &run.Statements[i]
	if s.Failed != nil {
		t.addWrapped("       ", "       ", "failed: "+view.DescribeError(s.Failed), t.Error)
	}
	if !t.verbose && s.Waited == 0 && s.StallMS == 0 {
		return
	}
	words := []string{"took " + view.FormatMillis(s.UntilMS-s.FromMS)}
	heldMS := 0.0
	for _, o := range s.Observed {
		if !o.New && o.HeldSince == nil {
			heldMS = max(heldMS, o.HeldMS)
		}
	}
	if s.WaitedMS > 0 {
		words = append(words, "waited "+view.FormatMillis(s.WaitedMS))
	}
	if heldMS > 0 {
		words = append(words, "held "+view.FormatMillis(heldMS))
	}
	style := t.Dim
	if s.Waited > 0 || s.StallMS > 0 {
		words = append(words, fmt.Sprintf("%s waited up to %s", view.CountQueries(s.Waited), view.FormatMillis(s.StallMS)))
		style = t.Warning
	}
	t.addWrapped("       ", "       ", "rehearsed: "+strings.Join(words, ", "), style)
	if e := s.Estimate; e != nil && t.verbose {
		t.addWrapped("       ", "       ", "in production: "+view.FormatRange(e)+", at "+size.FormatCount(e.Rows)+" rows of "+view.ShortenRelation(e.Relation), t.Dim)
	}
}

// WriteGuarded prints the result of a guarded command. The command's own output precedes it.
// If nobody waited, it is one line.
func WriteGuarded(w io.Writer, g *onward.Guarded, o Options) error {
	out := newPage(o)
	ended := "done"
	if g.ExitCode != 0 {
		ended = fmt.Sprintf("exit code %d", g.ExitCode)
	}
	statements, sessions := 0, 0
	for i := range g.Runs {
		statements, sessions = statements+g.Runs[i].Statements, sessions+g.Runs[i].Sessions
	}
	out.addTwoSided("guard  "+ended, fmt.Sprintf("%s · %s · %s", prose.CountNoun(len(g.Runs), "run"), prose.CountNoun(sessions, "session"),
		prose.CountNoun(statements, "statement")), out.Bold, out.Dim)
	for i := range g.Runs {
		out.printGuardedRun(i, &g.Runs[i], len(g.Runs) > 1)
	}
	if g.Why != "" {
		out.addBlankLine()
		out.addWrapped("not run again: ", "               ", escape.Line(g.Why), out.ordinaryStyle())
	}
	for _, n := range g.Notes {
		out.addBlankLine()
		out.addWrapped("note: ", "      ", escape.Line(n), out.ordinaryStyle())
	}
	return out.writePage(w)
}

// printGuardedRun prints who blocked whom in a run.
func (p *page) printGuardedRun(i int, r *onward.GuardedRun, numbered bool) {
	if numbered {
		p.addBlankLine()
		words := fmt.Sprintf("exit code %d after %s", r.ExitCode, time.Duration(r.TookMS)*time.Millisecond)
		if r.Committed {
			words += " · something was committed"
		}
		p.addTwoSided(fmt.Sprintf("run %d", i+1), words, p.Bold, p.Dim)
	}
	const indent = "    "
	for _, l := range r.Waited {
		words := fmt.Sprintf("%s was held back for %s", escape.Line(l.Statement), time.Duration(l.TookMS)*time.Millisecond)
		if l.Passed {
			words += ", and passed on all the same"
		}
		p.addWrapped("  waited  ", indent, words, p.ordinaryStyle())
		for _, blocker := range l.InTheWay {
			p.addWrapped(indent, indent+"  ", escape.Line(blocker), p.Dim)
		}
	}
	for _, l := range r.Lost {
		p.addWrapped("  lost    ", indent, fmt.Sprintf("%s: %s (SQLSTATE %s)", escape.Line(l.Statement), escape.Line(l.Message), escape.Line(l.SQLSTATE)),
			p.ordinaryStyle())
		for _, blocker := range l.Blockers {
			p.addWrapped(indent, indent+"  ", escape.Line(blocker), p.Dim)
		}
	}
	for _, s := range r.Around {
		words := fmt.Sprintf("process %d of the command connected around the guard, to server process %d: the command was ended", s.Process, s.PID)
		if s.Ended {
			words += ", then this session"
		}
		p.addWrapped("  around  ", indent, words, p.ordinaryStyle())
	}
	if b := r.Behind; b != nil {
		p.addWrapped("  others  ", indent, fmt.Sprintf("up to %s waited for the command, the longest for %s", prose.CountNoun(b.Most, "session"),
			time.Duration(b.LongestMS)*time.Millisecond), p.ordinaryStyle())
	}
}

// mostQueries is how many queries are listed without --verbose.
const mostQueries = 50

// WriteWorkload prints a recording: its queries, the most frequent ones first.
func WriteWorkload(w io.Writer, load *workload.Workload, o Options) error {
	p := newPage(o)
	p.printWorkloadHead(load)
	queries := slices.Clone(load.Queries)
	if !o.Verbose {
		queries = slices.DeleteFunc(queries, func(q workload.Query) bool { return !q.IsCode() })
	}
	slices.SortFunc(queries, func(a, b workload.Query) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.SQL, b.SQL))
	})
	total := int64(0)
	for i := range queries {
		total += queries[i].Calls
	}
	left := 0
	if !o.Verbose {
		queries, left = prose.TakeFirst(queries, mostQueries)
	}
	if len(queries) > 0 {
		p.addBlankLine()
		p.addLine(p.paintLine(p.Dim, fmt.Sprintf("%9s %5s  %-8s %s", "calls", "", "kind", "tables, sender, query")))
	}
	for i := range queries {
		p.printWorkloadQuery(&queries[i], total, o.Verbose)
	}
	if left > 0 {
		p.addLine(p.paintLine(p.Dim, fmt.Sprintf("%d more; --verbose lists all", left)))
	}
	return p.writePage(w)
}

// printWorkloadHead prints what was recorded, where, and how much of it is code.
func (p *page) printWorkloadHead(load *workload.Workload) {
	code, calls := 0, int64(0)
	for i := range load.Queries {
		if load.Queries[i].IsCode() {
			code++
			calls += load.Queries[i].Calls
		}
	}
	text := fmt.Sprintf("%d queries of code, sent %d times", code, calls)
	if other := len(load.Queries) - code; other > 0 {
		text += fmt.Sprintf("; %d more statements of migrations, fixtures and sessions", other)
	}
	p.addWrapped("", "  ", text+".", p.Bold)
	from := "From " + strings.Join(load.Sources, ", ")
	if len(load.Sources) == 0 {
		from = "From nowhere"
	}
	if load.Postgres > 0 {
		from += fmt.Sprintf(", on Postgres %d", load.Postgres)
	}
	if load.Revision != "" {
		from += ", at " + load.Revision
	}
	p.addWrapped("", "  ", escape.Line(from)+".", p.ordinaryStyle())
	for _, n := range load.Notes {
		p.addWrapped("", "  ", escape.Line(n)+".", p.Warning)
	}
}

// printWorkloadQuery prints two lines: the relations of a query and its sender, and its text.
func (p *page) printWorkloadQuery(q *workload.Query, total int64, whole bool) {
	share := ""
	if total > 0 {
		share = fmt.Sprintf("%.0f %%", 100*float64(q.Calls)/float64(total))
	}
	var tables []string
	for _, u := range q.Uses {
		tables = append(tables, view.ShortenRelation(u.Relation))
	}
	about := strings.Join(tables, ", ")
	if senders := workload.DescribeSenders(q.Senders); senders != "" {
		about = strings.TrimPrefix(about+" · "+escape.Line(senders), " · ")
	}
	kind := string(q.Kind)
	if q.Mark != workload.Code {
		kind = string(q.Mark)
	}
	head := fmt.Sprintf("%9d %5s  %-8s ", q.Calls, share, kind)
	p.addLine(head, view.CutToWidth(about, p.width-view.MeasureText(head)))
	const indent = "                 "
	if whole {
		p.addWrapped(indent, indent, escape.Line(q.SQL), p.Dim)
		return
	}
	p.addLine(indent, p.paintLine(p.Dim, view.CutToWidth(escape.Line(q.SQL), p.width-len(indent))))
}
