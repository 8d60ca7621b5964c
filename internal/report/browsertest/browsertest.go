// Package browsertest opens pages in a real Chromium for tests, and hears what they say and ask for.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
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
)

// Start starts a headless Chromium for a test. Without one the test is
// skipped, and fails instead when ONWARD_REQUIRE=1.
func Start(t *testing.T) context.Context {
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

// Tab is a page in the browser, and what it said and asked for.
type Tab struct {
	// Ctx is the tab's own, for steps that Do and Eval have not.
	Ctx context.Context
	t   *testing.T
	mu  sync.Mutex
	// said is what went to the console, asked the addresses that were
	// requested, the page's own left out.
	said, asked []string
}

// Open opens an address in a new tab of a size in pixels. What is requested from below own, an
// address too, is the page's. script false switches the page's scripts off.
func Open(t *testing.T, browser context.Context, address, own string, width, height int64, script bool) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithDeadline(ctx, Latest(t))
	t.Cleanup(cancel)
	x := &Tab{t: t, Ctx: ctx}
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
			if u := e.Request.URL; !strings.HasPrefix(u, own) && !strings.HasPrefix(u, "data:") {
				x.asked = append(x.asked, u)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Do(chromedp.EmulateViewport(width, height))
	if !script {
		x.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return err
		}))
	}
	x.Do(chromedp.Navigate(address))
	return x
}

// Latest is when a page that hangs is given up, which is no measure of how long one
// may take: shortly before the test itself would be.
func Latest(t *testing.T) time.Time {
	if end, ok := t.Deadline(); ok {
		return end.Add(-5 * time.Second)
	}
	return time.Now().Add(10 * time.Minute)
}

// Do runs steps in the tab.
func (x *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	if err := chromedp.Do(x.Ctx, steps...); err != nil {
		x.t.Fatal(err)
	}
}

// Eval is the value of an expression, as JavaScript makes text of it.
func (x *Tab) Eval(expression string) string {
	x.t.Helper()
	v, err := chromedp.Run(x.Ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Scheme makes the reader one who wants pages to be light, or dark.
func (x *Tab) Scheme(scheme string) {
	x.t.Helper()
	x.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// Heard is what the page said on its console, and the addresses that it asked, so far.
func (x *Tab) Heard() (said, asked []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.said), slices.Clone(x.asked)
}

// Quiet holds that the page said nothing and asked for nothing.
func (x *Tab) Quiet() {
	x.t.Helper()
	x.Eval("1") // what was said before has arrived
	if said, asked := x.Heard(); len(said) > 0 || len(asked) > 0 {
		x.t.Errorf("the page said %q and asked for %q", said, asked)
	}
}
