package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/report"
)

const (
	// window is the time that the speed of a backfill is that of.
	window = time.Minute
	// plainly is how often its line is written where there is no terminal.
	plainly = 10 * time.Second
)

// bar tells how far a backfill is: in a line that is written over again on a terminal, else in a plain one
// now and then.
type bar struct {
	a    *app
	p    *progress // nil, or not of a terminal: plain lines
	step string
	past []mark
	last time.Time
	on   bool // its line is there
}

type mark struct {
	at   time.Time
	rows int64
}

func newBar(a *app) *bar { return &bar{a: a, p: a.progress()} }

// passed hears of a batch.
func (b *bar) passed(e apply.Event) {
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
			b.a.say("%s  %s", b.step, b.words(e))
		}
		return
	}
	fmt.Fprint(b.p.to, "\r\x1b[K"+cut("onward: "+b.step+"  "+b.words(e), b.p.width-1))
	b.on = true
}

// words are the line: rows, of how many, how fast, and what is left.
func (b *bar) words(e apply.Event) string {
	first, last := b.past[0], b.past[len(b.past)-1]
	rate := 0.0
	if d := last.at.Sub(first.at).Seconds(); d > 0 {
		rate = float64(last.rows-first.rows) / d
	}
	text := report.Number(e.Total) + " rows"
	if e.Of > 0 {
		part := min(1, float64(e.Total)/float64(e.Of))
		const width = 20
		full := int(part * width)
		text = fmt.Sprintf("[%s%s] %3.0f %%  %s of about %s rows", strings.Repeat("#", full), strings.Repeat(".", width-full), 100*part, report.Number(e.Total), report.Number(e.Of))
	}
	if rate > 0 {
		text += fmt.Sprintf(", %s/s", report.Number(int64(rate)))
		if left := e.Of - e.Total; left > 0 {
			text += ", " + time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second).String() + " left"
		}
	}
	return text
}

// clear takes the line away.
func (b *bar) clear() {
	if b.on {
		b.on = false
		fmt.Fprint(b.p.to, "\r\x1b[K")
	}
}
