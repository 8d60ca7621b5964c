package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// A call stays in the repository and in its limits, and costs no other call anything.
func TestMCPWalls(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	outside := filepath.Join(t.TempDir(), "secret.sql")
	if err := os.WriteFile(outside, []byte("SELECT 'secret words'"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link.sql": outside, "away": filepath.Dir(outside), "nothing.sql": "/nowhere/at/all", "git": ".git"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := connectMCP(t, dir, "--db", "env:TEST_DATABASE_SECRET")
	for _, path := range []string{
		"../x.sql", "db/../../x.sql", outside, "/etc/passwd", "link.sql", "away/secret.sql", "away", "nothing.sql", ".git/config", "git/config",
		"db/.GIT/x", "", "a\x00b",
	} {
		for tool, arguments := range map[string]any{
			"check":     map[string]any{"paths": []string{path}},
			"locks":     map[string]any{"sql": "SELECT 1", "schema": path},
			"changelog": map[string]any{"files": map[string]any{path: "SELECT 1"}},
			"verify":    map[string]any{"workload": []string{path}},
		} {
			if tool == "locks" && path == "" {
				continue // no schema
			}
			if text := refuseTool(t, s, tool, arguments); !strings.Contains(text, "stay inside") || strings.Contains(text, "secret words") {
				t.Errorf("%s of the path %q answers %q, want a refusal with \"stay inside\"", tool, path, text)
			}
		}
	}
	// A directory of the repository may hold a link that leaves it: its target is not read.
	if err := os.Symlink(outside, filepath.Join(dir, "db", "migrations", "00009_away.sql")); err != nil {
		t.Fatal(err)
	}
	data, text := callTool(t, s, "check", map[string]any{"paths": []string{"db"}})
	if answer, _ := json.Marshal(data); strings.Contains(string(answer)+text, "secret words") {
		t.Errorf("a link was followed: %s", text)
	}
	for _, c := range []struct {
		tool      string
		arguments any
		want      string
	}{
		{"check", map[string]any{"sql": strings.Repeat("SELECT 1;\n", 900_000)}, "more than"},
		{"changelog", map[string]any{"files": map[string]any{"a.sql": strings.Repeat("x", 9<<20)}}, "more than"},
		{"changelog", map[string]any{"files": map[string]any{"onward.yaml": "rules: {}"}}, "save it first"},
		{"changelog", map[string]any{"files": map[string]any{"a.sql": ""}, "head": "HEAD"}, "leave out head"},
		{"changelog", map[string]any{"base": "--upload-pack=x"}, "--upload-pack"},
		{"changelog", map[string]any{"output": "x"}, "output"},
		{"check", map[string]any{}, "give sql or paths"},
		{"check", map[string]any{"paths": []string{"db"}, "framework": "django"}, "--allow-project-programs"},
		{"check", map[string]any{"paths": []string{"db"}, "framework": "nope"}, "unknown framework"},
		{"explain", map[string]any{"rule": "nope"}, "unknown rule"},
		{"release", map[string]any{"database": true}, "127.0.0.1"},
	} {
		if text := refuseTool(t, s, c.tool, c.arguments); !strings.Contains(text, c.want) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %.300s, want %q", c.tool, text, c.want)
		}
	}
	_, text = callTool(t, s, "locks", map[string]any{"sql": "CREATE SUBSCRIPTION s CONNECTION 'postgres://app:hunter2@db/app' PUBLICATION p"})
	if strings.Contains(text, "hunter2") {
		t.Errorf("a password: %s", text)
	}
	// A cancelled call ends at once, and the next one is answered.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	long := map[string]any{"sql": strings.Repeat("ALTER TABLE a ADD b int;\n", 100_000)}
	if _, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "check", Arguments: long}); err == nil {
		t.Error("a cancelled call has an answer")
	}
	callTool(t, s, "locks", map[string]any{"sql": "TRUNCATE orders"})

	limited := connectMCP(t, dir, "--limit", "1ns")
	if text := refuseTool(t, limited, "changelog", nil); !strings.Contains(text, "no answer within 1ns") {
		t.Errorf("the limit: %s", text)
	}
}

// Migrations that only the project's own code can render are not read, and its code does not run.
func TestMCPRunsNothing(t *testing.T) {
	t.Parallel()
	const marker = "ran.txt"
	program := "import pathlib\npathlib.Path(__file__).with_name('" + marker + "').write_text('ran')\nfrom django.db import migrations\n\n\n" +
		"class Migration(migrations.Migration):\n    dependencies = []\n    operations = []\n"
	dir := gittest.Commits(t,
		map[string]string{
			"manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n", "site/settings.py": "INSTALLED_APPS = ['shop']\n",
			"shop/__init__.py": "#\n", "shop/migrations/__init__.py": "#\n", "shop/migrations/0001_initial.py": program,
			"db/migrations/00001_a.sql": gooseUp + "CREATE TABLE a (id bigint PRIMARY KEY);\n",
		},
		map[string]string{
			"shop/migrations/0002_more.py": program, "db/migrations/00002_b.sql": gooseUp + "CREATE INDEX b ON a (id);\n",
			"onward.yaml": "migrations:\n  - dir: db/migrations\n    framework: goose\n  - dir: shop/migrations\n    framework: django\n    python: " + "python3\n",
		})
	s := connectMCP(t, dir)
	_, text := callTool(t, s, "changelog", nil)
	if !strings.Contains(text, "are not read") || !strings.Contains(text, "--allow-project-programs") || !strings.Contains(text, "index-create-blocking") {
		t.Errorf("changelog: %s", text)
	}
	for tool, arguments := range map[string]any{"schema": nil, "verify": map[string]any{"sql": "SELECT 1 FROM shop"}, "plan": nil, "release": nil} {
		data, text := callTool(t, s, tool, arguments)
		if list, _ := field(data, "opaque").([]any); len(list) == 0 || !strings.Contains(text, "are not read") {
			t.Errorf("%s does not say what it lacks: %s", tool, text)
		}
	}
	if found, err := filepath.Glob(filepath.Join(dir, "shop", "migrations", marker)); err != nil || len(found) > 0 {
		t.Errorf("the project's code ran")
	}
}

// Nothing but the protocol is on standard output, and the end of the input ends the process.
func TestMCPOutput(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "onward", "mcp", "-vv")
	cmd.Dir = shop(t)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		if _, err := io.WriteString(in, text+"\n"); err != nil {
			t.Error(err)
		}
	}
	send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"changelog","arguments":{}}}`)
	send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"plan","arguments":{}}}`)
	lines := bufio.NewReader(out)
	for answers := 0; answers < 3; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var message struct {
			JSONRPC string
			ID      any
		}
		if err := json.Unmarshal(line, &message); err != nil || message.JSONRPC != "2.0" {
			t.Fatalf("this is not the protocol: %s", line)
		}
		if message.ID != nil {
			answers++
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("after its input closed onward mcp printed %q (%v), want nothing", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// With --allow-project-programs the project's command renders its migrations.
func TestMCPPrograms(t *testing.T) {
	t.Parallel()
	const migration = "export const up = () => 1\n"
	dir := gittest.Commits(t,
		map[string]string{
			"onward.yaml":  "migrations:\n  - dir: m\n    render: sh show.sh {id}\n",
			"show.sh":      "case $1 in 1*) echo 'CREATE TABLE t (id bigint PRIMARY KEY, v text);' ;; *) echo 'CREATE INDEX t_v ON t (v);' ;; esac\n",
			"m/1_table.ts": migration,
		},
		map[string]string{"m/2_index.ts": migration})
	_, output := callTool(t, connectMCP(t, dir), "changelog", nil)
	if strings.Contains(output, "index-create-blocking") || !strings.Contains(output, "No verdict") {
		t.Errorf("the command ran: %s", output)
	}
	data, text := callTool(t, connectMCP(t, dir, "--allow-project-programs"), "changelog", nil)
	if !strings.Contains(text, "index-create-blocking") {
		t.Errorf("the command did not run: %s", text)
	}
	wantSame(t, "changelog", runJSON(t, dir, "", "changelog"), data)
}
