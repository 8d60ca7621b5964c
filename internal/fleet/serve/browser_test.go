package serve

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/onward-sql/onward/internal/report/browsertest"
)

// await waits until an expression is true in the page, without loading it again.
func await(t *testing.T, x *browsertest.Tab, condition, expression string) {
	t.Helper()
	awaitWithin(t, x, 2*time.Minute, condition, expression)
}

func awaitWithin(t *testing.T, x *browsertest.Tab, limit time.Duration, condition, expression string) {
	t.Helper()
	expression = "(() => { try { return " + expression + " } catch (_) { return false } })()" // another page may be loading
	for end := time.Now().Add(limit); x.Eval(expression) != "true"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %s", condition, x.Eval("document.body.innerText"))
		}
	}
}

// checkLook checks the page at three widths in both colour schemes.
func checkLook(t *testing.T, x *browsertest.Tab, name string) {
	t.Helper()
	x.CheckWidths(900, []int64{400, 800, 1280}, func(width string) {
		if words := x.Settle(browsertest.Pale); words != "" {
			t.Errorf("%s, %s: hard to read: %s", name, width, words)
		}
		x.Shoot(fmt.Sprintf("fleet-%s-%s.png", name, width))
	})
}

// count reads the number beside a state above the list of targets; 0 if it is not there.
func count(x *browsertest.Tab, state string) (n int) {
	n, _ = strconv.Atoi(x.Eval(fmt.Sprintf(`(document.getElementById("state-%s")?.innerText ?? "0").replace(/\D/g, "")`, state)))
	return n
}

// Somebody watches a release in a browser, pauses it, lets it go on, tries a target again and skips another. ONWARD_FLEET_PAGE is how many
// schemas the release has.
func TestRolloutPage(t *testing.T) {
	t.Parallel()
	schemas := 24
	if text := os.Getenv("ONWARD_FLEET_PAGE"); text != "" {
		schemas, _ = strconv.Atoi(text)
	}
	b := browsertest.Start(t)
	s := newScene(t, schemas)
	s.startQueue(t)
	s.slow.Store(int64(300 * time.Millisecond))
	_, address := startServer(t, Config{List: s.list, Queue: s.queue, Changes: true})
	x := browsertest.Open(t, b, address+"/", address, 1280, 900, true)
	await(t, x, "nothing has begun", fmt.Sprintf(`document.querySelector("h1").innerText.includes("running, 0 of %d targets done")`, schemas))
	s.startWorker(t)
	await(t, x, "a target is done", `document.getElementById("state-done") !== null`)
	await(t, x, "a target is at a step", `document.querySelector(".busy b")?.innerText.length > 0`)
	checkLook(t, x, "running")

	x.Do(chromedp.Click(chromedp.CSS("#pause")))
	await(t, x, "it is paused", `document.querySelector("h1").innerText.includes("paused")`)
	done := settleDone(t, s)
	if done >= schemas-len(wrongSchemas) {
		t.Fatalf("%d of %d are done before the pause", done, schemas)
	}
	time.Sleep(time.Second)
	if n := s.countTargets(t, "done"); n != done || s.countTargets(t, "running") > 0 {
		t.Errorf("%d targets were done during the pause", n-done)
	}
	checkLook(t, x, "paused")
	s.slow.Store(0)
	x.Do(chromedp.Click(chromedp.CSS("#resume")))
	awaitWithin(t, x, 2*time.Minute+time.Duration(schemas)*time.Second, "the rest is done",
		fmt.Sprintf(`document.querySelector("h1").innerText.includes("failed, %d of %d targets done")`, schemas-2, schemas))
	checkEnded(t, x, "a release that has failed")
	checkLook(t, x, "ended")
	if count(x, "failed") != 2 {
		t.Errorf("%d failed", count(x, "failed"))
	}

	x.Do(chromedp.Click(chromedp.CSS("#state-failed")))
	await(t, x, "the failed ones", `document.querySelectorAll("tbody tr").length === 2 && document.querySelector("tbody").innerText.includes("22023")`)
	if n := x.Eval(`document.querySelectorAll("img, iframe, [onerror]").length`); n != "0" {
		t.Errorf("%s elements of a name", n)
	}
	checkLook(t, x, "failed")
	repairAndRetry(t, s, x, address)
	skip(t, x, address)
	x.Do(chromedp.Navigate(address))
	await(t, x, "all is done", fmt.Sprintf(`document.querySelector("h1").innerText.includes("done, %d of %d targets done")`, schemas-1, schemas))
	checkEnded(t, x, "a release that is done")
	checkSearch(t, x, address)
	x.Quiet()
	measurePage(t, address)

	// The queue alone is enough to look.
	_, alone := startServer(t, Config{Queue: s.queue})
	for path, want := range map[string]string{
		"/?release=v2": fmt.Sprintf("done, %d of %d targets done", schemas-1, schemas), "/target?release=v2&name=tenant_0003": "add --targets",
	} {
		if code, page, _ := ask(t, "GET", alone+path, ""); code != 200 || !strings.Contains(page, want) || strings.Contains(page, `method="post"`) {
			t.Errorf("GET %s without targets: %d, want %q and no form:\n%s", path, code, want, page)
		}
	}
}

// checkEnded fails the test if a release that has ended can be paused or resumed.
func checkEnded(t *testing.T, x *browsertest.Tab, releaseLabel string) {
	t.Helper()
	if x.Eval(`document.querySelector("#pause, #resume") === null`) != "true" {
		t.Errorf("%s has a button: %s", releaseLabel, x.Eval(`document.querySelector("#verdict").innerText`))
	}
}

// settleDone waits until no target is running, and returns how many are done.
func settleDone(t *testing.T, s *scene) int {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); s.countTargets(t, "running") > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("targets run on")
		}
	}
	return s.countTargets(t, "done")
}

func targetPage(address, name string) string {
	return address + "/target?" + url.Values{"release": {"v2"}, "name": {name}}.Encode()
}

// repairAndRetry repairs a schema, and tries it again on its page.
func repairAndRetry(t *testing.T, s *scene, x *browsertest.Tab, address string) {
	t.Helper()
	name := wrongSchemas[0]
	x.Do(chromedp.Navigate(targetPage(address, name)))
	await(t, x, "the failed step", `document.querySelector(".steps td.error") !== null && document.querySelector(".steps").innerText.includes("22023")`)
	if got := x.Eval(`document.querySelector("h1").innerText`); got != name+": failed." {
		t.Errorf("the heading is %q", got)
	}
	checkLook(t, x, "target")
	s.exec(t, "DELETE FROM public.frozen WHERE name = $1", name)
	x.Do(chromedp.Click(chromedp.CSS(`form[action="/retry"] button`)))
	await(t, x, "it is done", `document.querySelector("h1").innerText.endsWith(": done.")`)
	if got := x.Eval(`document.querySelectorAll(".steps td.error").length`); got != "0" {
		t.Errorf("%s steps have failed", got)
	}
}

// skip skips a schema on its page.
func skip(t *testing.T, x *browsertest.Tab, address string) {
	t.Helper()
	x.Do(chromedp.Navigate(targetPage(address, wrongSchemas[1])))
	x.Do(chromedp.Click(chromedp.CSS(`form[action="/skip"] input[name=reason]`)), chromedp.KeyEvent("it is <being> moved"))
	x.Do(chromedp.Click(chromedp.CSS(`form[action="/skip"] button`)))
	await(t, x, "it is skipped", `document.querySelector("h1").innerText.endsWith(": skipped.") && document.body.innerText.includes("it is <being> moved")`)
}

// checkSearch searches for a target, and for nothing.
func checkSearch(t *testing.T, x *browsertest.Tab, address string) {
	t.Helper()
	for text, want := range map[string]string{"TENANT_0003": "1", "<being>": "1", "no such": "0"} {
		x.Do(chromedp.Navigate(address + "/?" + url.Values{"release": {"v2"}, "q": {text}}.Encode()))
		if got := x.Eval(`document.querySelectorAll("tbody tr").length`); got != want {
			t.Errorf("%q finds %s targets", text, got)
		}
	}
}

// measurePage prints how large the page is, and how long it takes.
func measurePage(t *testing.T, address string) {
	t.Helper()
	const rounds = 20
	size := int64(0)
	began := time.Now()
	for range rounds {
		answer, err := http.Get(address + "/?release=v2")
		if err != nil {
			t.Fatal(err)
		}
		size, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("read the page: %s, %v", answer.Status, err)
		}
	}
	t.Logf("the page has %d bytes, and takes %s", size, (time.Since(began) / rounds).Round(100*time.Microsecond))
	if size > 200_000 {
		t.Errorf("the page has %d bytes", size)
	}
}
