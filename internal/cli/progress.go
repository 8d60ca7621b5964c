package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/onward-sql/onward/apply"
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
		p.phase = now.Phase
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

const (
	// window is the time over which the speed of a backfill is measured.
	window = time.Minute
	// plainly is the interval between lines if the output is no terminal.
	plainly = 10 * time.Second
)

// bar prints the progress of a backfill: on a terminal in one line that is rewritten, otherwise in a plain
// line from time to time.
type bar struct {
	a    *app
	p    *progress // nil, or not of a terminal: plain lines
	step string
	past []mark    // the batches of the last minute
	last time.Time // when a plain line was written, or the step began
	on   bool      // its line is on the terminal
}

// mark is the number of finished rows at a time, from which the bar computes the speed.
type mark struct {
	at   time.Time
	rows int64
}

// recordBatch records a finished batch.
func (b *bar) recordBatch(e apply.Event) {
	now, step := time.Now(), e.Step.ID
	if e.Kind == apply.Compared {
		step += "  compared"
	}
	if b.step != step {
		b.step, b.past, b.last = step, []mark{{now.Add(-e.Took), e.Total - e.Rows}}, now
	}
	b.past = append(b.past, mark{now, e.Total})
	for len(b.past) > 2 && now.Sub(b.past[0].at) > window {
		b.past = b.past[1:]
	}
	terminal := b.p != nil && b.p.terminal
	if !terminal {
		if now.Sub(b.last) >= plainly {
			b.last = now
			b.a.printNote("%s  %s", b.step, b.progressLine(e))
		}
		return
	}
	fmt.Fprint(b.p.to, "\r\x1b[K"+cutToWidth("onward: "+b.step+"  "+b.progressLine(e), b.p.width-1))
	b.on = true
}

// progressLine returns the line: rows, of how many, how fast, and the remaining time.
func (b *bar) progressLine(e apply.Event) string {
	first, last := b.past[0], b.past[len(b.past)-1]
	rate := 0.0
	if d := last.at.Sub(first.at).Seconds(); d > 0 {
		rate = float64(last.rows-first.rows) / d
	}
	text := size.FormatCount(e.Total) + " rows"
	if e.Of > 0 {
		part := min(1, float64(e.Total)/float64(e.Of))
		const width = 20
		full := int(part * width)
		text = fmt.Sprintf("[%s%s] %3.0f %%  %s of about %s rows", strings.Repeat("#", full), strings.Repeat(".", width-full), 100*part,
			size.FormatCount(e.Total), size.FormatCount(e.Of))
	}
	if rate > 0 {
		text += fmt.Sprintf(", %s/s", size.FormatCount(int64(rate)))
		if left := e.Of - e.Total; left > 0 {
			text += ", " + time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second).String() + " left"
		}
	}
	return text
}

// clearLine removes the line.
func (b *bar) clearLine() {
	if b.on {
		b.on = false
		fmt.Fprint(b.p.to, "\r\x1b[K")
	}
}

// watched is the value that --watch prints, and when it was read.
type watched[T any] struct {
	value T
	at    time.Time
	// problem says why later reads failed; "" if none did. reload is the time until it is printed again; 0 for never.
	problem string
	reload  time.Duration
}

// watchUntilFinished reads and writes a value at each interval, until it is finished or the user interrupts it. It returns the value that
// it wrote last. A failed read does not end it.
func watchUntilFinished[T any](ctx context.Context, a *app, interval time.Duration, first T, read func(context.Context) (T, error), isFinished func(T) bool,
	write func(watched[T]) error) (T, error) {
	w := watched[T]{value: first, at: time.Now()}
	for {
		ended := ctx.Err() != nil || w.problem == "" && isFinished(w.value)
		w.reload = interval
		if ended {
			w.reload = 0
		}
		if err := write(w); err != nil || ended {
			return w.value, err
		}
		select {
		case <-ctx.Done():
			continue
		case <-time.After(interval):
		}
		fresh, err := read(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.problem = err.Error()
			a.printNote("%v", err)
		default:
			w = watched[T]{value: fresh, at: time.Now()}
		}
	}
}
