package html_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/report/browsertest"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// rolloutOf is a release in the middle of its waves, with targets in each state.
func rolloutOf(hostile string) *onward.Rollout {
	r := &onward.Rollout{Schema: onward.RolloutSchema, Release: "v2.4", State: onward.RolloutFailed, Duplicates: []string{hostile + " is the same as tenant_1"}}
	names := []string{"canary", "5 %", "25 %", "100 %"}
	for i, n := range []int{1, 49, 200, 750} {
		w := onward.RolloutWave{Number: i + 1, Name: names[i], Targets: n, Counts: map[onward.RolloutState]int{}, State: onward.RolloutDone}
		for j := range n {
			s := onward.RolloutDone
			switch {
			case i == 2 && j < 150, i < 2 && j%40 != 7:
			case i == 3:
				s = onward.RolloutPending
			case j%9 == 1:
				s = onward.RolloutFailed
			case j%9 == 2:
				s = onward.RolloutInterrupted
			case j%9 == 3:
				s = onward.RolloutSkipped
			case j%9 == 4:
				s = onward.RolloutUnreachable
			default:
				s = onward.RolloutRunning
			}
			w.Counts[s]++
			r.Targets = append(r.Targets, onward.RolloutTarget{
				Name: fmt.Sprintf("tenant_%d", len(r.Targets)), Wave: i + 1, State: s, Attempts: 1, Note: hostile + " timed out " + strings.Repeat("w", 80),
			})
		}
		w.State = []onward.RolloutState{onward.RolloutDone, onward.RolloutRunning, onward.RolloutFailed, onward.RolloutPending}[i]
		r.Waves = append(r.Waves, w)
	}
	r.Drift = []onward.RolloutDrift{{
		Targets: []string{"tenant_1", hostile}, Missing: []string{"index a: " + hostile}, Fix: []string{"CREATE INDEX CONCURRENTLY a ON t (a)"},
	}}
	return r
}

// The page of a release on many targets fits three widths in both colour schemes. The parts of a bar fill it, and hostile names stay text.
func TestRolloutInBrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	var page strings.Builder
	if err := html.WriteRollout(&page, &html.RolloutPage{Rollout: rolloutOf(hostileNames[0]), At: time.Now(), Problem: hostileNames[0]}); err != nil {
		t.Fatal(err)
	}
	reporttest.ListElements(t, page.String())
	x := open(t, b, page.String(), 1280, 800, true)
	x.CheckWidths(800, screens, func(label string) {
		const gaps = `Array.from(document.querySelectorAll(".waves .track svg")).map(s => Math.round(s.getBoundingClientRect().width -
				Array.from(s.querySelectorAll("rect")).reduce((sum, r) => sum + r.getBoundingClientRect().width, 0))).filter(d => Math.abs(d) > 2).join(",")`
		if left := x.Eval(gaps); left != "" {
			t.Errorf("%s: the parts of a bar do not fill it: %s", label, left)
		}
	})
	if rows := x.Eval(`document.querySelectorAll("tbody tr").length`); rows != "52" {
		t.Errorf("%s rows", rows)
	}
	x.Quiet()
}
