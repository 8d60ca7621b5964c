package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/rehearse"
)

const (
	// patience is how long a phase may take before its line is printed, if there is no
	// terminal to rewrite.
	patience = 3 * time.Second
	// glance is how often the line on a terminal is rewritten.
	glance = 150 * time.Millisecond
)

// progress shows the progress of a rehearsal: on a terminal in one line that is
// rewritten, otherwise, with -v, in a line for each phase that takes long.
type progress struct {
	to       io.Writer
	terminal bool
	width    int

	mu        sync.Mutex
	phase     string
	startedAt time.Time
	writtenAt time.Time   // when the line was written
	late      *time.Timer // prints the line of a phase that takes long
}

// newProgress is nil if no progress should be shown.
func (a *app) newProgress() *progress {
	if a.flags.quiet {
		return nil
	}
	to := a.standardError() // the other one would escape our own control characters
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

// handleEvent handles an event of the rehearsal.
func (p *progress) handleEvent(now rehearse.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := now.Phase != p.phase
	if fresh {
		p.phase, p.startedAt = now.Phase, time.Now()
	}
	switch {
	case p.terminal && (fresh || time.Since(p.writtenAt) > glance):
		p.writtenAt = time.Now()
		fmt.Fprint(p.to, "\r\x1b[K"+cutToWidth(progressLine(now), p.width-1))
	case !p.terminal && fresh:
		p.printAfterDelay(now.Phase)
	}
}

// printAfterDelay writes a line when the phase has lasted.
func (p *progress) printAfterDelay(phase string) {
	if p.late != nil {
		p.late.Stop()
	}
	p.late = time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.phase == phase {
			fmt.Fprintf(p.to, "onward: %s\n", escape.Line(phase))
		}
	})
}

// clearLine takes the line away.
func (p *progress) clearLine() {
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

// progressLine is the line.
func progressLine(now rehearse.Progress) string {
	if now.Table == "" {
		return "onward " + escape.Line(now.Phase) + " …"
	}
	text := "onward fills " + escape.Line(strings.TrimPrefix(now.Table, "public.")) + ": " + size.FormatCount(now.Rows) + " of " +
		size.FormatCount(now.Of) + " rows"
	switch {
	case now.Rows >= now.Of:
		text += ", which the server checks"
	case now.Left >= time.Second:
		text += ", " + now.Left.Round(time.Second).String() + " left for all tables"
	}
	return text
}

// cutToWidth keeps a line from wrapping. It leaves out whole words.
func cutToWidth(text string, width int) string {
	if view.MeasureText(text) <= width {
		return text
	}
	const mark = " …"
	for i := len(text) - 1; i > 0; i-- {
		if text[i] == ' ' && view.MeasureText(text[:i])+len(" .") <= width {
			return strings.TrimRight(text[:i], " ,") + mark
		}
	}
	return view.CutToWidth(text, width)
}
