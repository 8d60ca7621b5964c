package html_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/browsertest"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// open opens a page of a width in a new tab.
func open(t *testing.T, browser context.Context, html string, width, height int64, script bool) *browsertest.Tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	return browsertest.Open(t, browser, "file://"+path, "file://"+path, width, height, script)
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	rehearsal := reporttest.PrintReport(t, reporttest.ReadReport(t, "rehearsal"), report.FormatHTML, report.Options{})

	// The watcher sees what it is there for: without it the other tests could
	// not fail.
	t.Run("watcher", func(t *testing.T) {
		x := open(t, b, `<script>console.error("x"); fetch("http://127.0.0.1:9/asked"); nothing()</script>`, 800, 600, true)
		seen := func() bool {
			list, asked := x.Heard()
			consoleText := strings.Join(list, "\n")
			return strings.Contains(consoleText, "console.error") && strings.Contains(consoleText, "exception") && len(asked) > 0
		}
		for end := browsertest.Latest(t); !seen(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				messages, asked := x.Heard()
				t.Fatalf("seen: said %q, asked %q", messages, asked)
			}
		}
	})

	pages := map[string]*onward.Report{
		"rehearsal": reporttest.ReadReport(t, "rehearsal"), "many": many(20, 200, 40), "hostile": reporttest.FillReport(hostileNames[0]),
		"63 bytes": reporttest.FillReport(strings.Repeat("w", 63)), "long name": longNames(), "not rehearsed": reporttest.ReadReport(t, "report"),
		"clean": reporttest.ReadReport(t, "clean"), "empty": reporttest.ReadReport(t, "empty"),
		"one": timed(12), "none": timed(), "long beside short": timed(0.01, 0.01, 100_000),
	}
	for name, r := range pages {
		t.Run(name, func(t *testing.T) {
			html := reporttest.PrintReport(t, r, report.FormatHTML, report.Options{})
			x := open(t, b, html, 1280, 800, true)
			for _, width := range screens {
				x.Do(chromedp.EmulateViewport(width, 800))
				if got := x.Eval("innerWidth"); got != fmt.Sprint(width) {
					t.Fatalf("the screen is %s wide, not %d", got, width)
				}
				x.CheckFit(fmt.Sprint(width))
				if both := x.Eval(overlapping); both != "" {
					t.Errorf("%d: a relation's name and its words overlap: %s", width, both)
				}
			}
			x.Quiet()
		})
	}

	t.Run("hostile names stay text", func(t *testing.T) {
		for _, name := range hostileNames {
			x := open(t, b, reporttest.PrintReport(t, reporttest.FillReport(name), report.FormatHTML, report.Options{}), 1280, 800, true)
			want := escape.Line(name)
			for _, selector := range []string{
				"h1", ".migration h2", ".sql", ".finding b + b", ".changes b", ".nested code", ".difference b",
				".measured dt:last-of-type",
			} {
				if got := x.Eval(fmt.Sprintf("document.querySelector(%q).textContent", selector)); !strings.Contains(got, want) && !strings.Contains(got, "Server") {
					t.Errorf("%q: %s is %q", name, selector, got)
				}
			}
			if n := x.Eval("document.querySelectorAll('script, img, iframe, [onerror], [onmouseover]').length"); n != "1" {
				t.Errorf("%q: %s elements that run something", name, n)
			}
			x.Quiet()
		}
	})

	t.Run("keyboard", func(t *testing.T) {
		x := open(t, b, rehearsal, 1280, 800, true)
		focus := func() string {
			return x.Eval(`(e => (e.closest("svg") ? "bar " : e.closest(".list") ? "row " : "") + (e.closest("[data-s]")?.dataset.s ?? e.className))(document.activeElement)`)
		}
		lit := func() string {
			return x.Eval(`[...document.querySelectorAll(".time .bar, .list li")].filter(e => getComputedStyle(e).getPropertyValue("--edge") !== "").map(e => (e.closest("svg") ? "bar " : "row ") + e.dataset.s).join(", ")`)
		}
		var path []string
		x.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab)) // the finding that the verdict names
		for _, key := range []string{kb.Tab, kb.Tab, kb.ArrowRight, kb.ArrowRight, kb.End, kb.Tab, kb.Tab, kb.Tab, kb.ArrowDown, kb.ArrowDown, "k", kb.End, kb.Home} {
			x.Do(chromedp.KeyEvent(key))
			path = append(path, focus())
		}
		want := []string{"skip", "bar 1", "bar 2", "bar 3", "bar 4", "", "row ", "row 1", "row 2", "row 3", "row 2", "row 10", "row 1"}
		for i := range want {
			// Elements between timeline and list have no number.
			if path[i] != want[i] {
				t.Errorf("focus went %q, want %q", path, want)
				break
			}
		}
		x.Do(chromedp.KeyEvent(kb.End), chromedp.KeyEvent("k"))
		if got, want := lit(), "bar 9, bar 9, row 9"; got != want {
			t.Errorf("lit with the focus on row 9: %s; want %s", got, want)
		}
		x.Do(chromedp.KeyEvent(kb.Enter))
		if got := x.Eval("location.hash"); got != "#s9" {
			t.Errorf("Enter went to %q", got)
		}
		x.Quiet()
	})

	t.Run("without script", func(t *testing.T) {
		// Scripts are off in the page; the driver's own still run.
		x := open(t, b, rehearsal, 1280, 800, false)
		if got := x.Eval(`document.querySelectorAll("[tabindex='-1']").length`); got != "0" {
			t.Fatal("the page's script ran")
		}
		lit := func(n int) string {
			return x.Eval(fmt.Sprintf(`[...document.querySelectorAll("[data-s='%d']")].every(e => getComputedStyle(e).getPropertyValue("--edge") !== "") + " " + (getComputedStyle(document.querySelector("#s%d")).backgroundColor !== "rgba(0, 0, 0, 0)")`, n, n))
		}
		if got := lit(4); got != "false false" {
			t.Fatalf("lit before anything was done: %s", got)
		}
		x.Do(chromedp.Click(chromedp.CSS(".list li:nth-child(1) .row[href='#s4']")))
		if got := lit(4); got != "true true" {
			t.Errorf("a click on the row: %s", got)
		}
		x.Eval(`location.hash = ""`)
		x.Eval(`document.querySelector(".time .bar[data-s='7'] ~ .bar, .time .bar[data-s='7']").focus()`)
		if got := lit(7); got != "true true" {
			t.Errorf("focus on a bar: %s", got)
		}
		if got := x.Eval(`getComputedStyle(document.querySelector("article")).display`); got != "block" {
			t.Errorf("the statements are not shown: %s", got)
		}
		x.Quiet()
	})

	t.Run("schemes", func(t *testing.T) {
		x := open(t, b, rehearsal, 1280, 800, true)
		var grounds []string
		for _, scheme := range []string{"light", "dark"} {
			x.Scheme(scheme)
			grounds = append(grounds, x.Eval("getComputedStyle(document.body).backgroundColor"))
		}
		if diff := cmp.Diff([]string{"rgb(255, 255, 255)", "rgb(16, 19, 23)"}, grounds); diff != "" {
			t.Errorf("grounds (-want +got):\n%s", diff)
		}
	})

	t.Run("print", func(t *testing.T) {
		x := open(t, b, rehearsal, 1280, 800, true)
		pdf, err := chromedp.Run(x.Ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) {
			yes := true
			p.PreferCSSPageSize, p.PrintBackground = &yes, &yes
		}))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(pdf), "/Type /Page\n"); n != 2 {
			t.Errorf("%d pages", n)
		}
	})
}

// overlapping names the lanes whose two texts cover each other.
const overlapping = `[...document.querySelectorAll(".lane-group")].map(g => {
	const [name, words] = [...g.querySelectorAll("text.name, text.words")].filter(e => getComputedStyle(e).display !== "none");
	return name.getBoundingClientRect().right > words.getBoundingClientRect().left ? name.textContent : "";
}).filter(Boolean).join(", ")`
