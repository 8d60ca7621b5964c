package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// A plan is proven, and recordings are verified, on a throwaway server; release reads the ledger of the address that the user gave.
func TestMCPServers(t *testing.T) {
	dir := gittest.Commits(t,
		map[string]string{"db/migrations/00001_orders.sql": gooseUp + "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, note text);\n"},
		map[string]string{"db/migrations/00002_index.sql": gooseUp + "CREATE INDEX orders_user ON orders (user_id);\nALTER TABLE orders DROP COLUMN note;\n"})
	url := pgservertest.Database(t, 17)
	if err := os.WriteFile(filepath.Join(dir, "queries.txt"), []byte("SELECT note FROM orders WHERE id = $1;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, dir, "", "workload", "import", "--from", "sql", "queries.txt", "--output", "workload.json.gz")
	t.Setenv("TEST_MCP_DATABASE", url)
	s := connectMCP(t, dir, "--db", "env:TEST_MCP_DATABASE")

	data, text := callTool(t, s, "plan", map[string]any{"prove": true, "pg": "17"})
	if field(data, "plan", "proof", "proven") != true {
		t.Errorf("plan: %s", text)
	}
	data, text = callTool(t, s, "verify", map[string]any{"workload": []string{"workload.json.gz"}, "pg": "17"})
	if verdicts, _ := field(data, "verdicts").([]any); len(verdicts) != 1 || !strings.Contains(text, `column "note" does not exist`) {
		t.Errorf("verify: %v %s", verdicts, text)
	}
	data, text = callTool(t, s, "release", map[string]any{"database": true})
	if applied, _ := field(data, "applied").([]any); len(applied) > 0 || !strings.Contains(text, "not safe") {
		t.Errorf("an empty ledger: %v %s", applied, text)
	}
	plan := filepath.Join(t.TempDir(), "plan.json")
	runCommand(t, dir, "", "plan", "--format", "json", "--output", plan, "--pg", "17")
	if _, err := sendStatements(t.Context(), url, "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, note text)"); err != nil {
		t.Fatal(err)
	}
	runCommand(t, dir, "", "apply", "--db", url, "--plan", plan)
	data, text = callTool(t, s, "release", map[string]any{"database": true})
	applied, _ := field(data, "applied").([]any)
	if len(applied) != 1 || !strings.Contains(text, "new code") {
		t.Fatalf("the ledger: %v %s", applied, text)
	}
	status, _ := runJSON(t, dir, "", "status", "--db", "env:TEST_MCP_DATABASE").([]any)
	wantSame(t, "status", status, applied)
}
