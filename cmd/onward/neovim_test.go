package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// A real Neovim opens a migration, types into it, hovers, and takes code actions.
func TestNeovim(t *testing.T) {
	t.Parallel()
	nvim := component.NeedProgram(t, component.Neovim, "nvim")
	dir := gittest.Commits(t,
		map[string]string{"m/1_a.sql": "CREATE TABLE t (id bigint PRIMARY KEY, v text);\nCREATE TABLE gone (id bigint);\n"},
		map[string]string{"m/2_b.sql": "CREATE INDEX i ON t (v);\n"})
	script, err := filepath.Abs("testdata/editor.lua")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seen.json")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, nvim, "--headless", "--clean", "-n", "-c", "luafile "+script)
	cmd.Dir = dir
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "SEEN="+file, "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_STATE_HOME="+home)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("nvim: %v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("editor.lua wrote no result: %v\n%s", err, out)
	}
	var seen struct {
		Error                                 string
		Opened, Typed, Titles, Fixed, Ignored []string
		Hover, Page                           string
		Text                                  []string
		Stopped                               bool
	}
	if err := json.Unmarshal(content, &seen); err != nil {
		t.Fatalf("the result of editor.lua is no JSON: %v\n%s", err, content)
	}
	joined := func(list []string) string { return strings.Join(list, "\n") }
	for _, c := range []struct{ what, got, want string }{
		{"error", seen.Error + ".", "."},
		{"opened", joined(seen.Opened), "1 index-create-blocking 0:0-0:23"},
		{"typed: Neovim counts bytes", joined(seen.Typed), "2 table-drop 0:11-0:26"},
		{"typed", joined(seen.Typed), "1 index-create-blocking 1:0-1:23"},
		{"hover", seen.Hover, "| t | ShareLock | index build, grows | writes |"},
		{"hover on a table", seen.Hover, "id bigint, not null"},
		{
			"titles", joined(seen.Titles),
			"onward: make it safe: index-create-blocking\nonward: ignore index-create-blocking here\nonward: explain index-create-blocking",
		},
		{"fixed", joined(seen.Fixed), "2 table-drop 0:11-0:26"},
		{"text", joined(seen.Text), "-- onward:ignore table-drop: why it is safe here\n/* 🐘 */ DROP TABLE gone;\nCREATE INDEX CONCURRENTLY i ON t (v);"},
		{"page", seen.Page, "# table-drop"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s: %s\nwant %s", c.what, c.got, c.want)
		}
	}
	if strings.Contains(joined(seen.Fixed), "index-create-blocking") || strings.Contains(joined(seen.Ignored), "table-drop") || !seen.Stopped {
		t.Errorf("a fixed or an ignored finding is still shown, or the server still runs: %s", content)
	}
}
