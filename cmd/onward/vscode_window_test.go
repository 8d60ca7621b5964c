package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/onward-sql/onward/internal/report/browsertest"
)

// window is a window of VS Code.
type window struct {
	*browsertest.Tab
	t *testing.T
}

// text returns the text of all elements of a selector.
func (w *window) text(selector string) string {
	w.t.Helper()
	all := w.Eval(`[...document.querySelectorAll("` + selector + `")].map(e => e.innerText || e.getAttribute("aria-label") || "").join("\n")`)
	return strings.ReplaceAll(all, "\u00a0", " ")
}

// waitFor waits until the elements of a selector have a text.
func (w *window) waitFor(selector, want string) {
	w.t.Helper()
	late := time.Now().Add(time.Minute)
	for ; ; time.Sleep(100 * time.Millisecond) {
		got := w.text(selector)
		if strings.Contains(got, want) {
			return
		}
		if time.Now().After(late) {
			w.picture("failed")
			w.t.Fatalf("%s has %q, and no %q; the window has:\n%s", selector, got, want, w.text("body"))
		}
	}
}

// clickText clicks on the last element of a selector that has a text, which is the innermost.
func (w *window) clickText(selector, text string) {
	w.t.Helper()
	w.waitFor(selector, text)
	x, y := w.placeOf(selector, text)
	w.Do(chromedp.MouseClickXY(x, y))
}

// hover moves the mouse to the last element of a selector that has a text.
func (w *window) hover(selector, text string) {
	w.t.Helper()
	w.waitFor(selector, text)
	x, y := w.placeOf(selector, text)
	w.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x-1, y), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// placeOf returns the place of the last element of a selector that has a text.
func (w *window) placeOf(selector, text string) (x, y float64) {
	w.t.Helper()
	place := w.Eval(`(() => { const has = e => (e.innerText || "").replaceAll("\u00a0", " ").includes("` + text + `"); ` +
		`const e = [...document.querySelectorAll("` + selector + `")].findLast(has); ` +
		`const r = e.getBoundingClientRect(); return [r.left + Math.min(30, r.width / 2), r.top + r.height / 2] })()`)
	left, right, _ := strings.Cut(place, ",")
	x, err := strconv.ParseFloat(left, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	if y, err = strconv.ParseFloat(right, 64); err != nil {
		w.t.Fatal(err)
	}
	return x, y
}

// press presses keys with Control.
func (w *window) press(keys string, modifiers ...chromedp.Modifier) {
	w.t.Helper()
	w.Do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// runCommand runs a command of the palette.
func (w *window) runCommand(name string) {
	w.t.Helper()
	w.press(kb.F1)
	w.waitFor(".quick-input-widget", "")
	time.Sleep(300 * time.Millisecond)
	w.press(name)
	w.waitFor(".quick-input-list .monaco-list-row", name)
	w.press(kb.Enter)
}

// clickLens clicks on a line above a statement, and waits for its page. A click is lost if the editor moves meanwhile.
func (w *window) clickLens(title, tab string) {
	w.t.Helper()
	for range 5 {
		w.clickText(".codelens-decoration, .codelens-decoration *", title)
		for range 50 {
			if strings.Contains(w.text(".tab"), tab) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	w.waitFor(".tab", tab)
}

// openFixes opens the list of quick fixes at the cursor, and waits for one. The list closes if the findings change meanwhile.
func (w *window) openFixes(want string) {
	w.t.Helper()
	for range 5 {
		w.press(".", chromedp.ModifierCtrl)
		for range 50 {
			if strings.Contains(w.text(".action-widget"), want) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		w.press(kb.Escape)
	}
	w.waitFor(".action-widget", want)
}

// picture takes a picture of the window if ONWARD_SHOTS names a directory.
func (w *window) picture(name string) {
	w.t.Helper()
	dir := os.Getenv("ONWARD_SHOTS")
	if dir == "" {
		return
	}
	time.Sleep(2 * time.Second) // what appears slowly is there
	png, err := chromedp.Run(w.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Error(err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "vscode-"+name+".png"), png, 0o644); err != nil {
		w.t.Error(err)
	}
}
