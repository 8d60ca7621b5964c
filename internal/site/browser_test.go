package site_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/report/browsertest"
)

// built is the finished site, made as make site makes it. Where mdBook is not installed, the
// test is skipped, and fails when ONWARD_REQUIRE=1 and cargo could have built it.
func built(t *testing.T) string {
	t.Helper()
	if found, _ := filepath.Glob(filepath.Join(pgservertest.ToolsDir(t), "mdbook-*", "bin", "mdbook")); len(found) == 0 {
		const missing = "there is no mdBook: scripts/site.sh setup installs it"
		if _, err := exec.LookPath("cargo"); err == nil && os.Getenv("ONWARD_REQUIRE") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dir := t.TempDir()
	cmd := exec.Command("scripts/site.sh", dir)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
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

	for _, at := range []string{served, "file://" + dir + "/"} {
		t.Run("search "+at[:4], func(t *testing.T) {
			x := browsertest.Open(t, b, at+"index.html", at, 1280, 900, true)
			found := search(t, x, "volatile default rewrites")
			if !strings.Contains(found, "column-add-volatile-default") {
				t.Errorf("found %q", found)
			}
			x.Do(chromedp.Navigate(at + "rules/index.html"))
			if found := search(t, x, "ATTACH PARTITION"); found == "" {
				t.Error("nothing is found from a page further down")
			}
			x.Shoot("search-" + at[:4] + ".png")
			x.Quiet()
		})
	}
}

// search gives the titles that the site's search finds for some words.
func search(t *testing.T, x *browsertest.Tab, words string) string {
	t.Helper()
	x.Do(chromedp.Click(chromedp.CSS("#mdbook-search-toggle")))
	typed := false
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !typed && x.Eval(`document.activeElement?.id`) == "mdbook-searchbar" {
			x.Do(chromedp.KeyEvent(words))
			typed = true
		}
		if found := x.Eval(`[...document.querySelectorAll("#mdbook-searchresults a")].map(a => a.textContent).join("\n")`); found != "" {
			return found
		}
	}
	return ""
}
