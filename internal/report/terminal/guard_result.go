package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

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
