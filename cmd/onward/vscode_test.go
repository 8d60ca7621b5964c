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
		t.Fatalf("vsix.sh: %v\n%s", err, out)
	}
	if out, err := s.command("--install-extension", vsix).CombinedOutput(); err != nil || !strings.Contains(string(out), "was successfully installed") {
		t.Fatalf("install the extension: %v\n%s", err, out)
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
	// Without the test's context: that would kill the process, and leave its children.
	cmd := exec.Command(s.program, append([]string{"--user-data-dir", filepath.Join(s.home, "data")}, args...)...)
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

// open opens a folder and a file of it.
func (s *codeServer) open(dir, file string, width, height int64) *window {
	s.t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(s.address, "http://"), "/")
	payload := `[["openFile","vscode-remote://` + host + filepath.Join(dir, file) + `"]]`
	return &window{browsertest.Open(s.t, browsertest.Start(s.t), s.address+"?folder="+dir+"&payload="+payload, s.address, width, height, true), s.t}
}

// TestVSCode opens migrations in a real VS Code with the extension: findings, locks, a plan, fixes, and what a workspace that
// is not trusted may do.
func TestVSCode(t *testing.T) {
	t.Parallel()
	s := newCodeServer(t)
	const common = `"workbench.startupEditor":"none","workbench.secondarySideBar.defaultVisibility":"hidden","chat.disableAIFeatures":true,` +
		`"workbench.tips.enabled":false,"editor.minimap.enabled":false,"editor.hover.delay":100,"window.autoDetectColorScheme":true,` +
		`"editor.quickSuggestions":{"other":"off"},"editor.suggestOnTriggerCharacters":false`
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
		w.picture("problems")
		w.Scheme("dark")
		w.clickLens("what this locks", "What this locks.md")
		w.picture("locks")
		w.clickLens("plan this", "Plan.md")
		w.picture("plan")

		w.clickText(".view-line", "CREATE INDEX")
		w.openFixes("onward: ignore index-create-blocking here")
		w.picture("fixes")
		w.clickText(".action-widget .action-item, .action-widget .monaco-list-row", "make it safe: index-create-blocking")
		w.waitFor(".view-lines", "CREATE INDEX CONCURRENTLY users_email_idx")
		w.waitFor(".codelens-decoration", "what this locks: users, ShareUpdateExclusiveLock")

		w.hover(".view-line span span", "users_email_idx")
		w.waitFor(".monaco-hover", "ShareUpdateExclusiveLock")
		w.picture("hover")

		// A rename needs several files. They are written after the user has agreed.
		w.clickText(".view-line", "CREATE INDEX")
		w.press("a", chromedp.ModifierCtrl)
		w.press("-- +goose Up\rALTER TABLE users RENAME COLUMN email TO address;")
		w.waitFor(".codelens-decoration", "what this locks: users, AccessExclusiveLock")
		w.waitFor("[id='status.languageStatus']", "Safe to deploy if no deployed code uses users.email")
		w.press("s", chromedp.ModifierCtrl)
		w.press(kb.ArrowLeft + kb.ArrowLeft)
		w.openFixes("replace the migration by safe files")
		w.clickText(".action-widget .monaco-list-row", "replace the migration by safe files")
		w.waitFor("body", "remove m/00002_b.sql")
		w.picture("question")
		if list := migrationsIn(t, dir); list != "00001_a.sql 00002_b.sql" {
			t.Errorf("before its user agreed: %s", list)
		}
		w.waitFor(".monaco-button", "Replace")
		list := ""
		for range 30 {
			if strings.Contains(w.text(".monaco-button"), "Replace") { // a click is lost while the message moves
				w.clickText(".monaco-button, .monaco-button *", "Replace")
			}
			time.Sleep(time.Second)
			if list = migrationsIn(t, dir); strings.Contains(list, "expand") && !strings.Contains(list, "00002_b.sql") {
				break
			}
		}
		w.picture("applied")
		if strings.Contains(list, "00002_b.sql") || !strings.Contains(list, "expand") {
			t.Errorf("the migrations are %s", list)
		}
	})
	t.Run("a program", func(t *testing.T) {
		dir := gittest.Commits(t,
			map[string]string{
				"knexfile.js":                    "module.exports = { client: 'pg' }\n",
				"migrations/20240101000000_a.js": "exports.up = (knex) => knex.schema.createTable('users', (t) => { t.text('email') })\nexports.down = () => {}\n",
			},
			map[string]string{"migrations/20240102000000_b.js": "exports.up = (knex) => knex.schema.table('users', (t) => {\n  t.index('email')\n})\nexports.down = () => {}\n"})
		s.t = t
		s.start("{"+common+"}", "--disable-workspace-trust")
		w := s.open(dir, "migrations/20240102000000_b.js", 1280, 800)
		w.waitFor(".codelens-decoration", "what this locks: users, ShareLock, blocks writes")
		w.waitFor(".squiggly-error, .squiggly-warning", "")
		w.clickText(".view-line", "t.index")
		w.openFixes("onward: ignore index-create-blocking here")
		w.clickText(".action-widget .action-item, .action-widget .monaco-list-row", "ignore index-create-blocking here")
		w.waitFor(".view-lines", "// onward:ignore index-create-blocking: why it is safe here")
		w.picture("program")
	})
	t.Run("not trusted", func(t *testing.T) {
		s.t = t
		const evil = "#!/bin/sh\ntouch "
		ran := filepath.Join(t.TempDir(), "ran")
		dir := gittest.Commits(t,
			map[string]string{"m/00001_a.sql": "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n"},
			map[string]string{
				"m/00002_b.sql":         "-- +goose Up\nALTER TABLE users RENAME COLUMN email TO address;\n",
				"bin/onward":            evil + ran + "-path\n",
				"other":                 evil + ran + "-setting\n",
				"manage.py":             "open('" + ran + "-django', 'w')\n",
				"app/migrations/1_a.py": "open('" + ran + "-django', 'w')\n",
				".vscode/settings.json": `{"onward.path":"${workspaceFolder}/other","onward.schema":"evil.sql"}`,
			})
		for _, name := range []string{"bin/onward", "other"} {
			if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil { //nolint:gosec // a program of the test
				t.Fatal(err)
			}
		}
		s.setPath(filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"))
		s.start("{" + common + `,"security.workspace.trust.startupPrompt":"never"}`)
		w := s.open(dir, "m/00002_b.sql", 1280, 800)
		w.waitFor("body", "Restricted Mode")
		w.waitFor(".codelens-decoration", "what this locks: users, AccessExclusiveLock")
		w.picture("restricted")
		w.clickText(".view-line", "ALTER TABLE")
		w.press(kb.End)
		w.press(kb.ArrowLeft + kb.ArrowLeft)
		w.openFixes("replace the migration by safe files")
		w.clickText(".action-widget .monaco-list-row", "replace the migration by safe files")
		w.waitFor("body", "in a workspace that is not trusted no files are created or removed")
		if list, _ := filepath.Glob(ran + "*"); len(list) > 0 {
			t.Errorf("programs of the workspace ran: %s", list)
		}
		if list := migrationsIn(t, dir); list != "00001_a.sql 00002_b.sql" {
			t.Errorf("the migrations are %s", list)
		}
	})
}

// migrationsIn lists the migrations of a repository.
func migrationsIn(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(dir, "m"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
