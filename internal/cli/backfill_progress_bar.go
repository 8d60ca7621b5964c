package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/size"
)

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

func newBar(a *app) *bar { return &bar{a: a, p: a.newProgress()} }

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
