package site_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/onward-sql/onward/internal/report/browsertest"
)

// built is the finished site, made as make site makes it.
func built(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("scripts/site.sh", dir)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the site: %v: %s", err, out)
	}
	return dir
}

// pages are those with what is hard to lay out: tables, long lines of code, deep lists.
var pages = []string{"index", "locks", "runners", "rules/index", "rules/index-create-blocking"}

// TestSite opens the finished site below a path of a server and from files, as wide as a phone, a
// tablet and a laptop, light and dark.
func TestSite(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	dir := built(t)
	server := httptest.NewServer(http.StripPrefix("/below/onward/", http.FileServer(http.Dir(dir))))
	t.Cleanup(server.Close)
	served := server.URL + "/below/onward/"

	x := browsertest.Open(t, b, "about:blank", served, 1280, 900, true)
	for _, page := range pages {
		for _, width := range []int64{360, 768, 1280} {
			x.Scheme("light")
			x.Do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(served+page+".html"))
			x.CheckFit(fmt.Sprintf("%s, %d", page, width))
			for _, scheme := range []string{"light", "dark"} {
				if x.Scheme(scheme); width == 1280 {
					if words := x.Settle(browsertest.Pale); words != "" {
						t.Errorf("%s, %s: hard to read: %s", page, scheme, words)
					}
				}
				x.Shoot(fmt.Sprintf("%s-%s-%d.png", strings.ReplaceAll(page, "/", "-"), scheme, width))
			}
		}
	}
	x.Quiet()

	for _, baseURL := range []string{served, "file://" + dir + "/"} {
		t.Run("search "+baseURL[:4], func(t *testing.T) {
			x := browsertest.Open(t, b, baseURL+"index.html", baseURL, 1280, 900, true)
			found := search(t, x, "volatile default rewrites")
			if !strings.Contains(found, "column-add-volatile-default") {
				t.Errorf("found %q", found)
			}
			if found := search(t, x, "no page has xyzzy"); strings.Contains(found, "xyzzy") || found == "" {
				t.Errorf("with a word that is nowhere, found %q", found)
			}
			for _, width := range []int64{360, 768, 1280} {
				x.Do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(baseURL+"rules/index.html"))
				if found := search(t, x, "ATTACH PARTITIONS"); !strings.Contains(found, "partition-attach-scan") {
					t.Errorf("from a page further down, found %q", found)
				}
				x.CheckFit(fmt.Sprintf("search, %d", width))
				x.Shoot(fmt.Sprintf("search-%s-%d.png", baseURL[:4], width))
			}
			// A word of a result leads to its section, and Escape ends the search.
			x.Do(chromedp.KeyEvent(kb.Enter))
			x.Await(`location.hash === "#partition-attach-scan" && document.readyState === "complete"`)
			search(t, x, "locks")
			x.Do(chromedp.KeyEvent(kb.Escape))
			if shown := x.Settle(`document.querySelector("#results a")?.textContent ?? ""`); shown != "" {
				t.Errorf("shown after Escape: %s", shown)
			}
			x.Quiet()
		})
	}

	t.Run("scheme", func(t *testing.T) {
		x := browsertest.Open(t, b, served+"index.html", served, 1280, 900, true)
		x.Scheme("light")
		const ground = `getComputedStyle(document.body).backgroundColor`
		light := x.Eval(ground)
		x.Do(chromedp.Click(chromedp.CSS("#scheme")), chromedp.Navigate(served+"locks.html"))
		if dark := x.Eval(ground); dark == light {
			t.Errorf("the next page does not keep the chosen scheme: %s", dark)
		}
		x.Do(chromedp.Click(chromedp.CSS("#scheme")))
		if restored := x.Eval(ground); restored != light {
			t.Errorf("light again: %s, not %s", restored, light)
		}
	})

	t.Run("without script", func(t *testing.T) {
		x := browsertest.Open(t, b, served+"rules/index.html", served, 360, 900, false)
		if shown := x.Eval(`document.querySelector("#search").checkVisibility()`); shown != "false" {
			t.Error("there is a search, and no script")
		}
		x.Do(chromedp.Click(chromedp.CSS("#menu")), chromedp.Click(chromedp.CSS(`#sidebar a[href="../locks.html"]`)))
		x.Await(`location.pathname.endsWith("/locks.html") && document.readyState === "complete"`)
		x.Quiet()
	})
}

// search gives the titles that the site's search finds for some words.
func search(t *testing.T, x *browsertest.Tab, words string) string {
	t.Helper()
	x.Do(chromedp.Click(chromedp.CSS("#search input")), chromedp.KeyEvent(kb.Escape), chromedp.Click(chromedp.CSS("#search input")))
	typed := false
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !typed && x.Eval(`document.activeElement?.type`) == "search" {
			x.Do(chromedp.KeyEvent(words))
			typed = true
		}
		if found := x.Eval(`[...document.querySelectorAll("#results a")].map(a => a.textContent).join("\n")`); found != "" {
			return found
		}
	}
	return ""
}
