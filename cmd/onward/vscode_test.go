package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/report/browsertest"
)

// codeServer is VS Code with its real extension host, and a browser as its window.
type codeServer struct {
	t       *testing.T
	program string
	home    string
	address string
	env     []string
}

// newCodeServer builds the extension as make vsix does, and installs it in a fresh home.
func newCodeServer(t *testing.T) *codeServer {
	t.Helper()
	cache := os.Getenv("ONWARD_TEST_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(dir, "onward-test")
	}
	list, _ := filepath.Glob(filepath.Join(cache, "code-server-*", ".complete"))
	var missing error
	if len(list) == 0 {
		missing = errors.New("there is no code-server")
	}
	component.Need(t, component.VSCode, missing)
	component.NeedProgram(t, component.VSCode, "npm")
	s := &codeServer{t: t, program: filepath.Join(filepath.Dir(list[len(list)-1]), "code-server"), home: t.TempDir()}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "HOME=") && !strings.HasPrefix(pair, "XDG_") && !strings.HasPrefix(pair, "VSCODE_") {
			s.env = append(s.env, pair)
		}
	}
	s.env = append(s.env, "HOME="+s.home, "SHELL=/bin/bash")
	s.setPath(os.Getenv("PATH"))
	vsix := filepath.Join(t.TempDir(), "onward.vsix")
	build := exec.Command("../../scripts/vsix.sh", vsix)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := s.command("--install-extension", vsix).CombinedOutput(); err != nil || !strings.Contains(string(out), "was successfully installed") {
		t.Fatalf("%v\n%s", err, out)
	}
	return s
}

// setPath sets the PATH as the user's profile does, which VS Code reads.
func (s *codeServer) setPath(path string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.home, ".profile"), []byte("export PATH='"+path+"'\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *codeServer) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.t.Context(), s.program, append([]string{"--user-data-dir", filepath.Join(s.home, "data")}, args...)...)
	cmd.Env, cmd.Dir = s.env, s.home
	return cmd
}

// start starts the server with the user's settings.
func (s *codeServer) start(settings string, args ...string) {
	s.t.Helper()
	user := filepath.Join(s.home, "data", "User")
	if err := os.MkdirAll(user, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(user, "settings.json"), []byte(settings), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := s.command(append([]string{"--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry", "--disable-update-check"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "HTTP server listening on "); ok {
			s.address = address
			break
		}
	}
	if s.address == "" {
		s.t.Fatalf("code-server gave no address: %v", lines.Err())
	}
	go func() {
		for lines.Scan() { // its pipe must not fill up
		}
	}()
}

// window is a window of VS Code.
type window struct {
	*browsertest.Tab
	t *testing.T
}

// open opens a folder and a file of it.
func (s *codeServer) open(dir, file string, width, height int64) *window {
	s.t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(s.address, "http://"), "/")
	payload := `[["openFile","vscode-remote://` + host + filepath.Join(dir, file) + `"]]`
	return &window{browsertest.Open(s.t, browsertest.Start(s.t), s.address+"?folder="+dir+"&payload="+payload, s.address, width, height, true), s.t}
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
	for got := ""; ; time.Sleep(100 * time.Millisecond) {
		if got = w.text(selector); strings.Contains(got, want) {
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
	place := w.Eval(`(() => { const e = [...document.querySelectorAll("` + selector + `")].findLast(e => (e.innerText || "").replaceAll("\u00a0", " ").includes("` + text +
		`")); const r = e.getBoundingClientRect(); return [r.left + Math.min(30, r.width / 2), r.top + r.height / 2] })()`)
	x, y := point(w.t, place)
	w.Do(chromedp.MouseClickXY(x, y))
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

// TestVSCode opens migrations in a real VS Code with the extension: findings, locks, a plan, fixes, and what a workspace that
// is not trusted may do.
func TestVSCode(t *testing.T) {
	t.Parallel()
	s := newCodeServer(t)
	const common = `"workbench.startupEditor":"none","workbench.secondarySideBar.defaultVisibility":"hidden","chat.disableAIFeatures":true,` +
		`"workbench.tips.enabled":false,"editor.minimap.enabled":false,"editor.hover.delay":100,"window.autoDetectColorScheme":true`
	t.Run("trusted", func(t *testing.T) {
		dir := gittest.Commits(t,
			map[string]string{"m/00001_a.sql": "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n"},
			map[string]string{"m/00002_b.sql": "-- +goose Up\nCREATE INDEX users_email_idx ON users (email);\n"})
		s.t = t
		s.start("{"+common+"}", "--disable-workspace-trust")
		w := s.open(dir, "m/00002_b.sql", 1280, 800)
		w.waitFor(".codelens-decoration", "what this locks: users, ShareLock, blocks writes")
		w.waitFor(".codelens-decoration", "plan this")
		w.waitFor(".squiggly-error, .squiggly-warning", "")
		w.runCommand("View: Focus Problems")
		w.waitFor(".markers-panel", "creating index users_email_idx blocks writes to users")
		w.press(kb.Escape)
		for _, scheme := range []string{"light", "dark"} {
			w.Scheme(scheme)
			time.Sleep(time.Second)
			w.picture("problems-" + scheme)
		}
		w.clickText(".codelens-decoration, .codelens-decoration *", "what this locks")
		w.waitFor(".tab", "What this locks.md")
		w.picture("locks")
		w.clickText(".codelens-decoration, .codelens-decoration *", "plan this")
		w.waitFor(".tab", "Plan.md")
		time.Sleep(time.Second)
		w.picture("plan")

		w.clickText(".view-line", "CREATE INDEX")
		w.press(".", chromedp.ModifierCtrl)
		w.waitFor(".action-widget", "onward: ignore index-create-blocking here")
		w.picture("fixes")
		w.clickText(".action-widget .action-item, .action-widget .monaco-list-row", "make it safe: index-create-blocking")
		w.waitFor(".view-lines", "CREATE INDEX CONCURRENTLY users_email_idx")
		w.waitFor(".codelens-decoration", "what this locks: users, ShareUpdateExclusiveLock")

		w.press(kb.End, chromedp.ModifierCtrl)
		w.press("DROP TABLE users;")
		w.waitFor(".codelens-decoration", "what this locks: users, AccessExclusiveLock")
		w.picture("typed")
		t.Log("status: ", w.text(".statusbar-item"))
	})
}
