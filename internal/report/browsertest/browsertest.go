// Package browsertest opens pages in a real Chromium for tests, and records their console messages
// and requests.
package browsertest

import (
	"context"
	"errors"
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

	"github.com/onward-sql/onward/internal/component"
)

// Start starts a headless Chromium for a test.
func Start(t *testing.T) context.Context {
	t.Helper()
	found := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	var missing error
	if found == "" {
		missing = errors.New("there is no Chromium")
	}
	component.Need(t, component.Chromium, missing)
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

// Tab is a page in the browser, with its console messages and requests.
type Tab struct {
	// Ctx is the tab's context, for steps that Do and Eval do not offer.
	Ctx context.Context
	t   *testing.T
	mu  sync.Mutex
	// said are the console messages, asked the requested addresses, except the page's own.
	said, asked []string
}

// Open opens an address in a new tab of a size in pixels. allowedPrefix is an address prefix: requests below
// it are the page's own. If script is false, the page's scripts do not run.
func Open(t *testing.T, browser context.Context, address, allowedPrefix string, width, height int64, script bool) *Tab {
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
			if u := e.Request.URL; !strings.HasPrefix(u, allowedPrefix) && !strings.HasPrefix(u, "data:") {
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

// Latest returns when to give up on a page that hangs: shortly before the test's own deadline. It is
// no limit for how long a page may take.
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

// Eval returns the value of an expression as text.
func (x *Tab) Eval(expression string) string {
	x.t.Helper()
	value, err := x.evaluateExpression(expression)
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// evaluateExpression fails while another page replaces the one that is shown: Inspected target navigated or closed (-32000).
func (x *Tab) evaluateExpression(expression string) (string, error) {
	return chromedp.Run(x.Ctx, chromedp.Evaluate[string]("String("+expression+")"))
}

// Scheme sets the reader's preferred colour scheme: light, or dark.
func (x *Tab) Scheme(scheme string) {
	x.t.Helper()
	x.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// Heard returns the console messages and the requested addresses so far.
func (x *Tab) Heard() (messages, asked []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.said), slices.Clone(x.asked)
}

// Quiet fails the test if the page printed or requested anything.
func (x *Tab) Quiet() {
	x.t.Helper()
	x.Eval("1") // now earlier messages have arrived
	if messages, asked := x.Heard(); len(messages) > 0 || len(asked) > 0 {
		x.t.Errorf("the page said %q and asked for %q", messages, asked)
	}
}
