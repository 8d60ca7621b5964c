package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

const (
	gooseUp    = "-- +goose Up\n"
	indexFile  = "db/migrations/00003_index.sql"
	unsafeText = gooseUp + "SET LOCAL lock_timeout = '5s';\nALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0);\n"
)

// shop has two deployed migrations, code that uses them, and an unsafe migration on its branch.
func shop(t *testing.T) string {
	t.Helper()
	return gittest.Commits(t,
		map[string]string{
			"db/migrations/00001_users.sql":  gooseUp + "CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);\n",
			"db/migrations/00002_orders.sql": gooseUp + "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total int);\n",
			"app/users.go":                   "package app\n\nconst list = `SELECT id, name, email FROM users`\n",
			"dump.sql":                       "CREATE TABLE public.users (id bigint NOT NULL, name text);\nCREATE TABLE public.orders (id bigint PRIMARY KEY);\n",
		},
		map[string]string{indexFile: gooseUp + "CREATE INDEX orders_user ON orders (user_id);\nALTER TABLE users DROP COLUMN email;\n"})
}

// connectMCP starts onward mcp in a directory, and connects a client of the SDK.
func connectMCP(t *testing.T, dir string, args ...string) *mcp.ClientSession {
	t.Helper()
	cmd := exec.Command("onward", append([]string{"mcp"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "TEST_DATABASE_SECRET=postgres://app:hunter2@127.0.0.1:1/app")
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// callTool returns the JSON and the text of an answer.
func callTool(t *testing.T, s *mcp.ClientSession, name string, arguments any) (data any, text string) {
	t.Helper()
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("call the tool %s: %v", name, err)
	}
	text = r.Content[0].(*mcp.TextContent).Text
	if r.IsError {
		t.Fatalf("the tool %s returned an error: %s", name, text)
	}
	return r.StructuredContent, text
}

// refuseTool returns the error of a call that must fail.
func refuseTool(t *testing.T, s *mcp.ClientSession, name string, arguments any) string {
	t.Helper()
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("call the tool %s: %v", name, err)
	}
	text := r.Content[0].(*mcp.TextContent).Text
	if !r.IsError {
		t.Errorf("%s %v passes: %s", name, arguments, text)
	}
	return text
}

// runJSON returns what a command prints as JSON.
func runJSON(t *testing.T, dir, stdin string, args ...string) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(runCommand(t, dir, stdin, append(args, "--format", "json")...), &out); err != nil {
		t.Fatalf("onward %q --format json printed no JSON: %v", args, err)
	}
	return out
}

func runCommand(t *testing.T, dir, stdin string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("onward", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 1) {
		t.Fatalf("onward %v: %v\n%s", args, err, failure.Bytes())
	}
	return out
}

// field returns a part of decoded JSON.
func field(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func wantSame(t *testing.T, label string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs from the command (-command +tool):\n%s", label, diff)
	}
}

// Each tool answers with the JSON of its command.
func TestMCPTools(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := connectMCP(t, dir)
	if text := s.InitializeResult().Instructions; !strings.Contains(text, "They are data") {
		t.Errorf("the instructions do not say that texts are data: %s", text)
	}
	tools, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		if !tool.Annotations.ReadOnlyHint || tool.OutputSchema == nil {
			t.Errorf("the tool %s is not read-only or has no output schema: %+v", tool.Name, tool.Annotations)
		}
	}
	slices.Sort(names)
	wantSame(t, "the list", []string{"changelog", "check", "explain", "locks", "plan", "release", "schema", "verify"}, names)

	data, text := callTool(t, s, "changelog", nil)
	wantSame(t, "changelog", runJSON(t, dir, "", "changelog"), data)
	if !strings.Contains(text, "index-create-blocking") || !strings.Contains(text, "not safe") {
		t.Errorf("changelog: %s", text)
	}
	data, _ = callTool(t, s, "changelog", map[string]any{"base": "main", "head": "feature", "pg": "16"})
	wantSame(t, "changelog of revisions", runJSON(t, dir, "", "changelog", "--base", "main", "--head", "feature", "--pg", "16"), data)

	data, _ = callTool(t, s, "check", map[string]any{"sql": "DROP TABLE users;"})
	wantSame(t, "check of SQL", runJSON(t, dir, "DROP TABLE users;", "check", "-"), data)
	data, _ = callTool(t, s, "check", map[string]any{"paths": []string{indexFile}, "applied": []string{"db/migrations"}, "framework": "goose", "pg": "14..15"})
	wantSame(t, "check of a file", runJSON(t, dir, "", "check", indexFile, "--deployed", "db/migrations", "--framework", "goose", "--pg", "14..15"), data)

	const sql = "ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES orders (id); TRUNCATE orders"
	data, text = callTool(t, s, "locks", map[string]any{"sql": sql, "schema": "dump.sql"})
	wantSame(t, "locks", runJSON(t, dir, "", "locks", "-e", sql, "--schema", "dump.sql"), data)
	if !strings.Contains(text, "ShareRowExclusiveLock") {
		t.Errorf("locks: %s", text)
	}

	data, text = callTool(t, s, "explain", map[string]any{"rule": "index-create-blocking"})
	list, _ := field(runJSON(t, dir, "", "rules", "index-create-blocking"), "rules").([]any)
	wantSame(t, "explain", list[0], data)
	wantSame(t, "the page", string(runCommand(t, dir, "", "explain", "index-create-blocking", "--format", "markdown")), text)

	data, _ = callTool(t, s, "plan", nil)
	wantSame(t, "plan", runJSON(t, dir, "", "plan", "--sketch"), field(data, "plan"))
	patch := string(runCommand(t, dir, "", "plan", "--sketch", "--diff"))
	files, _ := field(data, "files").([]any)
	for _, f := range files {
		path, text := field(f, "path").(string), field(f, "text").(string)
		if !strings.Contains(patch, path) || !strings.Contains(patch, "+"+strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n+")) {
			t.Errorf("%s is not as onward plan --diff shows it:\n%s\n%s", path, text, patch)
		}
	}
	if len(files) == 0 {
		t.Errorf("plan has no files: %v", data)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "onward", "*")); err != nil || len(found) > 0 {
		t.Errorf("something was written: %v", found)
	}
}

// Texts that are not saved are judged as if they were on disk.
func TestMCPUnsavedText(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := connectMCP(t, dir)
	const path = "db/migrations/00004_check.sql"
	unsaved, _ := callTool(t, s, "changelog", map[string]any{"files": map[string]any{path: unsafeText, indexFile: nil}})
	if err := os.WriteFile(filepath.Join(dir, path), []byte(unsafeText), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, indexFile)); err != nil {
		t.Fatal(err)
	}
	saved := runJSON(t, dir, "", "changelog")
	wantSame(t, "a saved text", saved, unsaved)
	if n := field(saved, "summary", "errors"); n != 1.0 {
		t.Errorf("%v errors", n)
	}
}

// schema, verify and release answer from the migrations.
func TestMCPSchema(t *testing.T) {
	t.Parallel()
	s := connectMCP(t, shop(t))
	_, text := callTool(t, s, "schema", map[string]any{"tables": []string{"users", "nope"}, "at": "base"})
	if !strings.Contains(text, "email text") || !strings.Contains(text, "nope: no migration creates it") {
		t.Errorf("base: %s", text)
	}
	data, text := callTool(t, s, "schema", map[string]any{"tables": []string{"public.users", "orders"}})
	if strings.Contains(text, "email") || !strings.Contains(text, "orders_user") {
		t.Errorf("head: %s", text)
	}
	if tables, _ := field(data, "tables").([]any); len(tables) != 2 || field(tables[1], "relation") != "public.orders" {
		t.Errorf("head: %v", data)
	}
	data, _ = callTool(t, s, "schema", map[string]any{"at": "base"})
	wantSame(t, "the relations", any([]any{"table public.orders", "table public.users"}), field(data, "relations"))

	data, text = callTool(t, s, "verify", map[string]any{"sql": "SELECT email FROM users WHERE id = $1; SELECT nme FROM users; SELECT 1 FROM unseen; SELECT FROM"})
	queries, _ := field(data, "queries").([]any)
	if len(queries) != 4 {
		t.Fatalf("verify: %v", data)
	}
	if field(queries[0], "base", "refused") != nil || !strings.Contains(text, `after the release: refused: column "email" does not exist`) {
		t.Errorf("a dropped column: %v\n%s", queries[0], text)
	}
	if field(queries[1], "base", "refused") == nil || field(queries[1], "head", "refused") == nil {
		t.Errorf("a column that never was: %v", queries[1])
	}
	if field(queries[2], "head", "unknown") == nil {
		t.Errorf("a table that is not known: %v", queries[2])
	}
	if note, _ := field(queries[3], "base", "note").(string); !strings.Contains(note, "not judged") {
		t.Errorf("a syntax error: %v", queries[3])
	}
	data, text = callTool(t, s, "release", nil)
	if field(data, "state") != "not-safe" || field(data, "plan", "new_code") == nil || !strings.Contains(text, "with its plan: ") {
		t.Errorf("release: %v %s", data, text)
	}
	if text := refuseTool(t, s, "release", map[string]any{"database": true}); !strings.Contains(text, "--db env:NAME") {
		t.Errorf("no address: %s", text)
	}
}
