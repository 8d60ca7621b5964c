package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/rehearse"
)

const (
	// patience is how long a phase may take before a line is worth it where there is no
	// terminal to rewrite.
	patience = 3 * time.Second
	// glance is how often the line of a terminal is written anew.
	glance = 150 * time.Millisecond
)

// progress tells what a rehearsal does: in one line that is written over again on a
// terminal, else, with -v, in a line for each phase that takes long.
type progress struct {
	to       io.Writer
	terminal bool
	width    int

	mu    sync.Mutex
	phase string
	begun time.Time
	last  time.Time // when the line was written
	late  *time.Timer
}

// progress is nil where nobody wants to know.
func (a *app) progress() *progress {
	if a.flags.quiet {
		return nil
	}
	to := a.err
	if aside, ok := to.(report.Aside); ok {
		to = aside.W // it would show our own control characters
	}
	if f, ok := to.(*os.File); ok && term.IsTerminal(int(f.Fd())) && a.env("TERM") != "dumb" {
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 20 {
			width = 80
		}
		return &progress{to: f, terminal: true, width: width}
	}
	if a.flags.verbose == 0 {
		return nil
	}
	return &progress{to: a.err}
}

// told hears of the rehearsal.
func (p *progress) told(now rehearse.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := now.Phase != p.phase
	if fresh {
		p.phase, p.begun = now.Phase, time.Now()
	}
	switch {
	case p.terminal && (fresh || time.Since(p.last) > glance):
		p.last = time.Now()
		fmt.Fprint(p.to, "\r\x1b[K"+cut(words(now), p.width-1))
	case !p.terminal && fresh:
		p.wait(now.Phase)
	}
}

// wait writes a line when the phase has lasted.
func (p *progress) wait(phase string) {
	if p.late != nil {
		p.late.Stop()
	}
	p.late = time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.phase == phase {
			fmt.Fprintf(p.to, "onward: %s\n", report.Line(phase))
		}
	})
}

// end takes the line away.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late != nil {
		p.late.Stop()
	}
	p.phase = ""
	if p.terminal {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

// words is the line.
func words(now rehearse.Progress) string {
	if now.Table == "" {
		return "onward " + report.Line(now.Phase) + " …"
	}
	text := "onward fills " + report.Line(strings.TrimPrefix(now.Table, "public.")) + ": " + report.Number(now.Rows) + " of " + report.Number(now.Of) + " rows"
	switch {
	case now.Rows >= now.Of:
		text += ", which the server checks"
	case now.Left >= time.Second:
		text += ", " + now.Left.Round(time.Second).String() + " left for all tables"
	}
	return text
}

// cut keeps a line from wrapping.
func cut(text string, width int) string {
	if r := []rune(text); len(r) > width {
		return string(r[:width])
	}
	return text
}
