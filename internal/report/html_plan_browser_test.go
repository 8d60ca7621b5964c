package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/onward-sql/onward/internal/report/browsertest"
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
			for _, scheme := range []string{"light", "dark"} {
				x.Scheme(scheme)
				for _, width := range []int64{360, 768, 1280} {
					x.Do(chromedp.EmulateViewport(width, 800))
					if over := x.Eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
						t.Errorf("%d %s: %s pixels too wide: %s", width, scheme, over, x.Eval(widest))
					}
					if out := x.Eval(outsideTrack); out != "" {
						t.Errorf("%d %s: outside of their lanes: %s", width, scheme, out)
					}
				}
			}
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

// outsideTrack names the bars that are not seen: outside of their lane, or thinner than a pixel.
const outsideTrack = `[...document.querySelectorAll(".lane .step .body, .lane rect.code")].filter(e => {
	const bar = e.getBoundingClientRect(), track = e.closest(".track").getBoundingClientRect();
	return bar.left < track.left - 1 || bar.right > track.right + 1 || bar.width < 1 || bar.top < track.top - 2 || bar.bottom > track.bottom + 2;
}).map(e => e.parentElement.textContent + " " + e.getAttribute("x")).slice(0, 5).join(", ")`
