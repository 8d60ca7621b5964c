package browsertest

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

// Settle evaluates a script until it finds nothing, for some seconds: colors change gradually after a change of the scheme,
// and a busy machine shows one in between.
func (x *Tab) Settle(script string) (found string) {
	x.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if found = x.Eval(script); found == "" {
			break
		}
	}
	return found
}

// Await waits until a condition of the page, or of the page that replaces it, is true. It fails the test if this does not happen before
// [Latest].
func (x *Tab) Await(condition string) {
	x.t.Helper()
	value, problem := "", error(nil)
	for ; x.Ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if value, problem = x.evaluateExpression(condition); value == "true" {
			return
		}
	}
	x.t.Fatalf("%s does not become true: %q, %v", condition, value, problem)
}

// Shoot takes a picture into the directory that ONWARD_SHOTS names.
func (x *Tab) Shoot(name string) {
	x.t.Helper()
	dir := os.Getenv("ONWARD_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(x.Ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), png, 0o600)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// CheckWidths looks at the page in widths, light and dark: it must not be wider than the screen. check, if it is not nil, checks more.
func (x *Tab) CheckWidths(height int64, widths []int64, check func(label string)) {
	x.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		x.Scheme(scheme)
		for _, width := range widths {
			label := fmt.Sprintf("%d-%s", width, scheme)
			x.Do(chromedp.EmulateViewport(width, height))
			x.CheckFit(label)
			if check != nil {
				check(label)
			}
		}
	}
}

// CheckFit checks that the page is not wider than the screen.
func (x *Tab) CheckFit(label string) {
	x.t.Helper()
	if excess := x.Eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); excess != "0" {
		x.t.Errorf("%s: %s pixels too wide: %s", label, excess, x.Eval(widest))
	}
}

// widest names the elements that reach over the right edge.
const widest = `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest(".scroll, .table-wrapper, pre")).slice(0, 5).map(e => e.tagName + "." + (e.className.baseVal ?? e.className)).join(" ")`

// Pale returns texts whose contrast with the background is below 4.5, the limit of WCAG AA.
const Pale = `(() => {
	const rgb = c => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.5) return c; } return [255, 255, 255]; };
	const seen = new Set();
	for (const e of document.querySelectorAll("main *, header *, #sidebar *")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) seen.add(e.tagName + "." + e.className + " " + contrast.toFixed(1) + " (" + e.textContent.trim().slice(0, 20) + ")");
		if (seen.size > 8) break;
	}
	return [...seen].join("; ");
})()`
