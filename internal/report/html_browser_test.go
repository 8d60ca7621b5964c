package report_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// browser starts a headless Chromium for a test. Without one the test is
// skipped, and fails instead when ONWARD_REQUIRE=1.
func browser(t *testing.T) context.Context {
	t.Helper()
	found := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		const missing = "there is no Chromium: scripts/chromium.sh installs it"
		if os.Getenv("ONWARD_REQUIRE") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.WSURLReadTimeout(3*time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	// The first run starts the browser, and its context must have no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page in the browser, and what it said and asked for.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	// said is what went to the console, asked the addresses that were
	// requested, the page's own left out.
	said, asked []string
}

// open opens a page of a width in a new tab.
func open(t *testing.T, browser context.Context, html string, width, height int64, script bool) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithDeadline(ctx, latest(t))
	t.Cleanup(cancel)
	x := &tab{t: t, ctx: ctx}
	own := "file://" + path
	err := chromedp.Listen(ctx, func(event any) {
		x.mu.Lock()
		defer x.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			x.said = append(x.said, fmt.Sprintf("console.%s", e.Type))
		case *runtime.EventExceptionThrown:
			x.said = append(x.said, "exception: "+e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			x.said = append(x.said, e.Entry.Text)
		case *page.EventJavascriptDialogOpening:
			x.said = append(x.said, "dialog: "+e.Message)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, own) && u != "data:," {
				x.asked = append(x.asked, u)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	x.do(chromedp.EmulateViewport(width, height))
	if !script {
		x.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return err
		}))
	}
	x.do(chromedp.Navigate(own))
	return x
}

// latest is when a page that hangs is given up, which is no measure of how long one
// may take: shortly before the test itself would be.
func latest(t *testing.T) time.Time {
	if end, ok := t.Deadline(); ok {
		return end.Add(-5 * time.Second)
	}
	return time.Now().Add(10 * time.Minute)
}

func (x *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	if err := chromedp.Do(x.ctx, steps...); err != nil {
		x.t.Fatal(err)
	}
}

// eval is the value of an expression, as JavaScript makes text of it.
func (x *tab) eval(expression string) string {
	x.t.Helper()
	v, err := chromedp.Run(x.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// quiet holds that the page said nothing and asked for nothing.
func (x *tab) quiet() {
	x.t.Helper()
	x.eval("1") // what was said before has arrived
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.said) > 0 || len(x.asked) > 0 {
		x.t.Errorf("the page said %q and asked for %q", x.said, x.asked)
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	b := browser(t)
	rehearsal := print(t, read(t, "rehearsal"), report.FormatHTML, report.Options{})

	// The watcher sees what it is there for: without it the other tests could
	// not fail.
	t.Run("watcher", func(t *testing.T) {
		x := open(t, b, `<script>console.error("x"); fetch("http://127.0.0.1:9/asked"); nothing()</script>`, 800, 600, true)
		seen := func() bool {
			x.mu.Lock()
			defer x.mu.Unlock()
			said := strings.Join(x.said, "\n")
			return strings.Contains(said, "console.error") && strings.Contains(said, "exception") && len(x.asked) > 0
		}
		for end := latest(t); !seen(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("seen: said %q, asked %q", x.said, x.asked)
			}
		}
	})

	pages := map[string]*onward.Report{
		"rehearsal": read(t, "rehearsal"), "many": many(60, 200, 80), "hostile": everywhere(hostileNames[0]),
		"63 bytes": everywhere(strings.Repeat("w", 63)), "long name": longNames(), "not rehearsed": read(t, "report"), "clean": read(t, "clean"), "empty": read(t, "empty"),
		"one": timed(12), "none": timed(), "long beside short": timed(0.01, 0.01, 100_000),
	}
	for name, r := range pages {
		t.Run(name, func(t *testing.T) {
			html := print(t, r, report.FormatHTML, report.Options{})
			x := open(t, b, html, 1280, 800, true)
			for _, width := range []int64{360, 768, 1280} {
				x.do(chromedp.EmulateViewport(width, 800))
				if got := x.eval("innerWidth"); got != fmt.Sprint(width) {
					t.Fatalf("the screen is %s wide, not %d", got, width)
				}
				if over := x.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
					t.Errorf("%d: %s pixels too wide: %s", width, over, x.eval(widest))
				}
				if both := x.eval(overlapping); both != "" {
					t.Errorf("%d: a relation's name and its words overlap: %s", width, both)
				}
			}
			x.quiet()
		})
	}

	t.Run("hostile names stay text", func(t *testing.T) {
		for _, name := range hostileNames {
			x := open(t, b, print(t, everywhere(name), report.FormatHTML, report.Options{}), 1280, 800, true)
			want := report.Line(name)
			for _, selector := range []string{"h1", ".migration h2", ".sql", ".finding b + b", ".changes b", ".nested code", ".difference b", ".measured dt:last-of-type"} {
				if got := x.eval(fmt.Sprintf("document.querySelector(%q).textContent", selector)); !strings.Contains(got, want) && !strings.Contains(got, "Server") {
					t.Errorf("%q: %s is %q", name, selector, got)
				}
			}
			if n := x.eval("document.querySelectorAll('script, img, iframe, [onerror], [onmouseover]').length"); n != "1" {
				t.Errorf("%q: %s elements that run something", name, n)
			}
			x.quiet()
		}
	})

	t.Run("keyboard", func(t *testing.T) {
		x := open(t, b, rehearsal, 1280, 800, true)
		focus := func() string {
			return x.eval(`(e => (e.closest("svg") ? "bar " : e.closest(".list") ? "row " : "") + (e.closest("[data-s]")?.dataset.s ?? e.className))(document.activeElement)`)
		}
		lit := func() string {
			return x.eval(`[...document.querySelectorAll(".time .bar, .list li")].filter(e => getComputedStyle(e).getPropertyValue("--edge") !== "").map(e => (e.closest("svg") ? "bar " : "row ") + e.dataset.s).join(", ")`)
		}
		var path []string
		x.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab)) // the finding that the verdict names
		for _, key := range []string{kb.Tab, kb.Tab, kb.ArrowRight, kb.ArrowRight, kb.End, kb.Tab, kb.Tab, kb.Tab, kb.ArrowDown, kb.ArrowDown, "k", kb.End, kb.Home} {
			x.do(chromedp.KeyEvent(key))
			path = append(path, focus())
		}
		want := []string{"skip", "bar 1", "bar 2", "bar 3", "bar 4", "", "row ", "row 1", "row 2", "row 3", "row 2", "row 10", "row 1"}
		for i := range want {
			// What stands between timeline and list has no number.
			if path[i] != want[i] {
				t.Errorf("focus went %q, want %q", path, want)
				break
			}
		}
		x.do(chromedp.KeyEvent(kb.End), chromedp.KeyEvent("k"))
		if got, want := lit(), "bar 9, bar 9, row 9"; got != want {
			t.Errorf("lit with the focus on row 9: %s; want %s", got, want)
		}
		x.do(chromedp.KeyEvent(kb.Enter))
		if got := x.eval("location.hash"); got != "#s9" {
			t.Errorf("Enter went to %q", got)
		}
		x.quiet()
	})

	t.Run("without script", func(t *testing.T) {
		// Scripts are off in the page; the driver's own still run.
		x := open(t, b, rehearsal, 1280, 800, false)
		if got := x.eval(`document.querySelectorAll("[tabindex='-1']").length`); got != "0" {
			t.Fatal("the page's script ran")
		}
		lit := func(n int) string {
			return x.eval(fmt.Sprintf(`[...document.querySelectorAll("[data-s='%d']")].every(e => getComputedStyle(e).getPropertyValue("--edge") !== "") + " " + (getComputedStyle(document.querySelector("#s%d")).backgroundColor !== "rgba(0, 0, 0, 0)")`, n, n))
		}
		if got := lit(4); got != "false false" {
			t.Fatalf("lit before anything was done: %s", got)
		}
		x.do(chromedp.Click(chromedp.CSS(".list li:nth-child(1) .row[href='#s4']")))
		if got := lit(4); got != "true true" {
			t.Errorf("a click on the row: %s", got)
		}
		x.eval(`location.hash = ""`)
		x.eval(`document.querySelector(".time .bar[data-s='7'] ~ .bar, .time .bar[data-s='7']").focus()`)
		if got := lit(7); got != "true true" {
			t.Errorf("focus on a bar: %s", got)
		}
		if got := x.eval(`getComputedStyle(document.querySelector("article")).display`); got != "block" {
			t.Errorf("the statements are not shown: %s", got)
		}
		x.quiet()
	})

	t.Run("schemes", func(t *testing.T) {
		x := open(t, b, rehearsal, 1280, 800, true)
		var grounds []string
		for _, scheme := range []string{"light", "dark"} {
			x.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				return err
			}))
			grounds = append(grounds, x.eval("getComputedStyle(document.body).backgroundColor"))
		}
		if diff := cmp.Diff([]string{"rgb(255, 255, 255)", "rgb(16, 19, 23)"}, grounds); diff != "" {
			t.Errorf("grounds (-want +got):\n%s", diff)
		}
	})

	t.Run("print", func(t *testing.T) {
		x := open(t, b, rehearsal, 1280, 800, true)
		pdf, err := chromedp.Run(x.ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) {
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

// widest names the elements that reach over the right edge.
const widest = `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest(".scroll")).slice(0, 5).map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).join(" ")`
