package report

import (
	"fmt"
	"io"
	"time"

	"github.com/onward-sql/onward/onward"
)

// WriteGuarded prints what became of a command that was guarded. Its own output stands before
// that: where nobody waited for anybody, a line is enough.
func WriteGuarded(w io.Writer, f Format, g *onward.Guarded, o Options) error {
	if f == FormatJSON {
		return writeJSON(w, g)
	}
	out := newPage(o)
	ended := "done"
	if g.ExitCode != 0 {
		ended = fmt.Sprintf("exit code %d", g.ExitCode)
	}
	statements, sessions := 0, 0
	for i := range g.Runs {
		statements, sessions = statements+g.Runs[i].Statements, sessions+g.Runs[i].Sessions
	}
	out.split("guard  "+ended, fmt.Sprintf("%s · %s · %s", Count(len(g.Runs), "run"), Count(sessions, "session"), Count(statements, "statement")), out.Bold, out.Dim)
	for i := range g.Runs {
		out.guardedRun(i, &g.Runs[i], len(g.Runs) > 1)
	}
	if g.Why != "" {
		out.blank()
		out.wrap("not run again: ", "               ", Line(g.Why), out.plain())
	}
	for _, n := range g.Notes {
		out.blank()
		out.wrap("note: ", "      ", Line(n), out.plain())
	}
	return out.flush(w)
}

// guardedRun prints who was in whose way in a run.
func (p *page) guardedRun(i int, r *onward.GuardedRun, numbered bool) {
	if numbered {
		p.blank()
		words := fmt.Sprintf("exit code %d after %s", r.ExitCode, time.Duration(r.TookMS)*time.Millisecond)
		if r.Committed {
			words += " · something was committed"
		}
		p.split(fmt.Sprintf("run %d", i+1), words, p.Bold, p.Dim)
	}
	const indent = "    "
	for _, l := range r.Waited {
		words := fmt.Sprintf("%s was held back for %s", Line(l.Statement), time.Duration(l.TookMS)*time.Millisecond)
		if l.Passed {
			words += ", and passed on all the same"
		}
		p.wrap("  waited  ", indent, words, p.plain())
		for _, who := range l.InTheWay {
			p.wrap(indent, indent+"  ", Line(who), p.Dim)
		}
	}
	for _, l := range r.Lost {
		p.wrap("  lost    ", indent, fmt.Sprintf("%s: %s (SQLSTATE %s)", Line(l.Statement), Line(l.Message), Line(l.SQLSTATE)), p.plain())
		for _, who := range l.Blockers {
			p.wrap(indent, indent+"  ", Line(who), p.Dim)
		}
	}
	for _, s := range r.Around {
		words := fmt.Sprintf("process %d of the command connected around the guard, to server process %d: the command was ended", s.Process, s.PID)
		if s.Ended {
			words += ", then this session"
		}
		p.wrap("  around  ", indent, words, p.plain())
	}
	if b := r.Behind; b != nil {
		p.wrap("  behind  ", indent, fmt.Sprintf("up to %s waited behind the command, the longest for %s", Count(b.Most, "session"), time.Duration(b.LongestMS)*time.Millisecond), p.plain())
	}
}
