package html_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/report/browsertest"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// The page of a plan fits three widths in both colour schemes, asks for nothing, and each bar of the lane is inside of it and
// leads to its step.
func TestPlanInBrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	rename, _ := explained()
	for name, p := range map[string]*onward.Plan{
		"type change": bigTypeChange(), "rename": rename, "chains": manyChains(40, ""), "left": manyChains(2, ""),
		"hostile": manyChains(3, hostileNames[0]), "63 bytes": manyChains(3, strings.Repeat("w", 63)),
	} {
		t.Run(name, func(t *testing.T) {
			x := open(t, b, planPage(t, p), 1280, 800, true)
			checkLanes(t, x)
			if lost := x.Eval(`[...document.querySelectorAll(".lane a")].filter(a => !document.getElementById((a.getAttribute("href")).slice(1))).length`); lost != "0" {
				t.Errorf("%s bars lead nowhere", lost)
			}
			if bars := x.Eval(`document.querySelectorAll(".lane .step .body").length`); bars != fmt.Sprint(len(p.Steps)+len(p.Left)) {
				t.Errorf("%s bars for %d steps and %d changes that are left", bars, len(p.Steps), len(p.Left))
			}
			if got := x.Eval(`getComputedStyle(document.querySelector(".lane .step .body")).stroke`); got == "none" {
				t.Error("a bar has no edge")
			}
			x.Quiet()
		})
	}
}

// screens are the widths of a phone, a tablet and a laptop.
var screens = []int64{360, 768, 1280}

// checkLanes checks that a page fits all screens, and that its bars are inside of their lanes.
func checkLanes(t *testing.T, x *browsertest.Tab) {
	t.Helper()
	x.CheckWidths(800, screens, func(label string) {
		if out := x.Eval(outsideTrack); out != "" {
			t.Errorf("%s: outside of their lanes: %s", label, out)
		}
	})
}

// outsideTrack names the bars that are not seen: outside of their lane, or thinner than a pixel.
const outsideTrack = `[...document.querySelectorAll(".lane .step .body, .lane rect.code")].filter(e => {
	const bar = e.getBoundingClientRect(), track = e.closest(".track").getBoundingClientRect();
	return bar.left < track.left - 1 || bar.right > track.right + 1 || bar.width < 1 || bar.top < track.top - 2 || bar.bottom > track.bottom + 2;
}).map(e => e.parentElement.textContent + " " + e.getAttribute("x")).slice(0, 5).join(", ")`

// statusOf is the progress of a plan: the first steps are done, the next one has a state.
func statusOf(p *onward.Plan, done int, state onward.ApplyState) html.StatusPlan {
	a := &onward.Applied{Plan: "b97c5cb6a852b679", Base: p.Base, Head: p.Head, State: state, Next: "onward apply --db ADDRESS --plan plan.json"}
	for i := range p.Steps {
		s := onward.AppliedStep{ID: p.Steps[i].ID, Phase: p.Steps[i].Phase, Class: p.Steps[i].Class, Why: p.Steps[i].Why, State: onward.ApplyPending}
		switch {
		case i < done:
			s.State = onward.ApplyDone
		case i == done:
			s.State, s.Rows, s.Of, s.Note = state, 1_240_000_000, 5e9, "slowed down: a replica lags"
		}
		a.Steps = append(a.Steps, s)
	}
	return html.StatusPlan{Plan: p, Applied: a}
}

func statusPage(t *testing.T, s *html.StatusPage) string {
	t.Helper()
	var b strings.Builder
	if err := html.WriteStatus(&b, s); err != nil {
		t.Fatal(err)
	}
	reporttest.ListElements(t, b.String())
	return b.String()
}

// The page of the progress fits three widths, and its bars show which part is done.
func TestStatusInBrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	rename, _ := explained()
	page := statusPage(t, &html.StatusPage{At: time.Now(), Problem: hostileNames[0], Plans: []html.StatusPlan{
		statusOf(rename, 4, onward.ApplyDone), statusOf(manyChains(20, hostileNames[0]), 9, onward.ApplyFailed), statusOf(bigTypeChange(), 1, onward.ApplyRunning),
	}})
	x := open(t, b, page, 1280, 800, true)
	checkLanes(t, x)
	// 1.24 of 5 billion rows of the last plan's backfill.
	const part = `(s => s.querySelector(".done").getBoundingClientRect().width / s.querySelector(".body").getBoundingClientRect().width)
		([...document.querySelectorAll(".step.long.running")][0])`
	if done := x.Eval(part + ".toFixed(2)"); done != "0.25" {
		t.Errorf("%s of the backfill is drawn as done", done)
	}
	if text := x.Eval("document.body.innerText"); !strings.Contains(text, "running, 25 % · 1.2 G of about 5 G rows · slowed down: a replica lags") {
		t.Errorf("the progress in words:\n%s", text)
	}
	x.Quiet()
}

// A page that is rewritten reloads itself, and reads nothing but its own file.
func TestStatusReloads(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	s := &html.StatusPage{At: time.Now(), Reload: time.Second, Plans: []html.StatusPlan{statusOf(bigTypeChange(), 1, onward.ApplyRunning)}}
	path := filepath.Join(t.TempDir(), "status.html")
	write := func() {
		if err := os.WriteFile(path, []byte(statusPage(t, s)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	x := browsertest.Open(t, b, "file://"+path, "file://"+path, 1280, 800, false)
	s.Reload, s.Plans[0] = 0, statusOf(bigTypeChange(), 4, onward.ApplyDone)
	write()
	x.Await(`document.body?.innerText.includes("is done: 4 of 4 steps done")`)
	if _, asked := x.Heard(); len(asked) > 0 {
		t.Errorf("the page asked for %q", asked)
	}
}
