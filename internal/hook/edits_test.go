package hook_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/hook"
)

const (
	goose  = "-- +goose Up\n"
	begun  = goose + "SET LOCAL lock_timeout = '5s';\nCREATE TABLE notes (id bigint PRIMARY KEY);\n"
	draft  = "db/migrations/00003_notes.sql"
	next   = "db/migrations/00004_next.sql"
	base   = "db/migrations/00001_users.sql"
	marker = "CREATE TABLE notes (id bigint PRIMARY KEY);\n"
)

// repository has two deployed migrations on main, and a third on its branch.
func repository(t *testing.T) string {
	t.Helper()
	return gittest.Commits(t,
		map[string]string{
			base:                             goose + "CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);\n",
			"db/migrations/00002_orders.sql": goose + "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total int);\n",
			"app/users.go":                   "package app\n\nconst list = `SELECT id, name, email FROM users`\n",
			"queries/users.sql":              "SELECT id, name FROM users;\n", "README.md": "# Shop\n\nDROP TABLE\n",
			"go.mod": "module shop\n\ngo 1.25\n\nrequire (\n\tgithub.com/pressly/goose/v3 v3.24.0\n\tgithub.com/jackc/pgx/v5 v5.7.0\n)\n",
		},
		map[string]string{draft: begun},
	)
}

var harmfulSQL = []string{
	"CREATE INDEX users_email ON users (email);\n",
	"ALTER TABLE users DROP COLUMN name;\n",
	"ALTER TABLE users RENAME COLUMN name TO full_name;\n",
	"ALTER TABLE orders ALTER COLUMN id TYPE numeric;\n",
	"ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id);\n",
	"DROP TABLE users;\n",
	"ALTER TABLE users ALTER COLUMN email SET NOT NULL;\n",
}

var harmlessSQL = []string{
	"CREATE TABLE tags (id bigint PRIMARY KEY);\n",
	"SET LOCAL lock_timeout = '2s';\nALTER TABLE users ADD COLUMN age int;\n",
	"COMMENT ON TABLE users IS 'people';\n",
	"CREATE VIEW names AS SELECT name FROM users;\n",
	"CREATE TABLE a (id bigint PRIMARY KEY);\nCREATE INDEX ON a (id);\n",
	"INSERT INTO users (id, name) VALUES (1, 'a');\n",
	"CREATE SEQUENCE s;\n",
}

// forms are the events of the assistants for a file that gets some SQL, in the forms of their documentation.
var forms = map[string]func(dir, sql string) any{
	"claude Write": func(dir, sql string) any {
		return map[string]any{
			"session_id": "s", "transcript_path": "/t.jsonl", "cwd": dir, "permission_mode": "default", "hook_event_name": "PreToolUse", "tool_use_id": "toolu_1",
			"tool_name": "Write", "tool_input": map[string]any{"file_path": filepath.Join(dir, next), "content": goose + sql},
		}
	},
	"claude Edit": func(dir, sql string) any {
		return map[string]any{
			"cwd": dir, "hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": map[string]any{
				"file_path": filepath.Join(dir, draft), "old_string": marker, "new_string": marker + sql, "replace_all": false,
			},
		}
	},
	"claude MultiEdit": func(dir, sql string) any {
		return map[string]any{
			"cwd": dir, "hook_event_name": "PreToolUse", "tool_name": "MultiEdit", "tool_input": map[string]any{
				"file_path": filepath.Join(dir, draft), "edits": []any{
					map[string]any{"old_string": "notes", "new_string": "remarks", "replace_all": true},
					map[string]any{"old_string": "CREATE TABLE remarks (id bigint PRIMARY KEY);\n", "new_string": sql},
				},
			},
		}
	},
	"cursor Write": func(dir, sql string) any {
		return map[string]any{
			"conversation_id": "c", "generation_id": "g", "hook_event_name": "preToolUse", "cursor_version": "2.6.0", "workspace_roots": []string{dir},
			"tool_name": "Write", "tool_input": map[string]any{"file_path": filepath.Join(dir, next), "content": goose + sql},
		}
	},
	"codex apply_patch": func(dir, sql string) any {
		return map[string]any{
			"session_id": "s", "turn_id": "t", "cwd": dir, "hook_event_name": "PreToolUse", "model": "gpt-5.5", "tool_name": "apply_patch",
			"tool_input": map[string]any{"command": "*** Begin Patch\n*** Add File: " + next + "\n+-- +goose Up\n+" +
				strings.ReplaceAll(strings.TrimSuffix(sql, "\n"), "\n", "\n+") + "\n*** End Patch"},
		}
	},
	"codex Bash": func(dir, sql string) any {
		return map[string]any{
			"cwd": dir, "hook_event_name": "PreToolUse", "tool_name": "Bash",
			"tool_input": map[string]any{"command": "cat > " + next + " <<'SQL'\n" + goose + sql + "SQL\n"},
		}
	},
	"copilot edit": func(dir, sql string) any {
		args, _ := json.Marshal(map[string]any{"path": filepath.Join(dir, draft), "old_str": marker, "new_str": marker + sql}) //nolint:errchkjson // texts
		return map[string]any{"timestamp": 1764322000000, "cwd": dir, "toolName": "edit", "toolArgs": string(args)}
	},
	"copilot create": func(dir, sql string) any {
		return map[string]any{"cwd": dir, "toolName": "create", "toolArgs": map[string]any{"path": next, "file_text": goose + sql}}
	},
	"copilot apply_patch": func(dir, sql string) any {
		return map[string]any{"cwd": dir, "toolName": "apply_patch",
			"toolArgs": "*** Begin Patch\n*** Update File: " + draft + "\n@@\n " + strings.TrimSpace(marker) +
				"\n+" + strings.ReplaceAll(strings.TrimSuffix(sql, "\n"), "\n", "\n+") + "\n*** End Patch\n"}
	},
	"vscode create_file": func(dir, sql string) any {
		return map[string]any{
			"timestamp": "2026-11-28T10:00:00Z", "cwd": dir, "sessionId": "s", "hookEventName": "PreToolUse", "tool_name": "create_file", "tool_use_id": "t",
			"tool_input": map[string]any{"filePath": filepath.Join(dir, next), "content": goose + sql},
		}
	},
	"vscode multi_replace": func(dir, sql string) any {
		return map[string]any{
			"cwd": dir, "hookEventName": "PreToolUse", "tool_name": "multi_replace_string_in_file", "tool_input": map[string]any{
				"replacements": []any{map[string]any{"filePath": filepath.Join(dir, draft), "oldString": marker, "newString": marker + sql}},
			},
		}
	},
	"generic": func(_, sql string) any { return map[string]any{"path": next, "content": goose + sql} },
}

// A harmful migration is refused in every form, and a harmless one in none.
func TestEdits(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, sql := range harmfulSQL {
				if d := judge(t, dir, form(dir, sql)); len(d.Refused) == 0 {
					t.Errorf("passes: %s", sql)
				}
			}
			for _, sql := range harmlessSQL {
				if d := judge(t, dir, form(dir, sql)); len(d.Refused) > 0 {
					t.Errorf("refused: %s\n%s", sql, strings.Join(d.Refused, "\n"))
				}
			}
			if d := judge(t, dir, form(dir, harmfulSQL[0])); d.Assistant != hook.Assistant(strings.Fields(name)[0]) && d.Assistant != hook.Claude {
				t.Errorf("taken for %s", d.Assistant)
			}
		})
	}
}

// Edits that the forms above do not have: other files, history, and texts that are not known.
func TestOtherEdits(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	if err := os.WriteFile(filepath.Join(dir, "windows.sql"), []byte("SELECT 1;\r\nSELECT 2;\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	event := func(tool string, input map[string]any) any {
		return map[string]any{"hook_event_name": "PreToolUse", "cwd": dir, "tool_name": tool, "tool_input": input}
	}
	for name, c := range map[string]struct {
		event any
		want  string // in the reason, or after "note: " in a note; "" if it passes
	}{
		"a deployed migration": {event("Edit", map[string]any{"file_path": base, "old_string": "name text",
			"new_string": "name varchar(9)"}), "note: release-migration-edited"},
		"deletes one": {event("Delete", map[string]any{"path": base}), "note: release-migration-deleted"},
		"a patch deletes one": {event("apply_patch",
			map[string]any{"command": "*** Begin Patch\n*** Delete File: " + base + "\n*** End Patch"}), "note: deleted"},
		"a patch moves one": {
			event("apply_patch",
				map[string]any{"command": "*** Begin Patch\n*** Update File: " + base + "\n*** Move to: db/migrations/00009_x.sql\n*** End Patch"}), "migration",
		},
		"no such text": {event("Edit", map[string]any{"file_path": draft, "old_string": "absent", "new_string": "x"}), "does not have"},
		"a text twice": {event("Edit", map[string]any{"file_path": draft, "old_string": "E", "new_string": "x"}), "times"},
		"part of the text": {event("insert_edit_into_file", map[string]any{"filePath": draft,
			"code": "-- ...existing code...\nDROP TABLE users;"}), "does not have the new text"},
		"a computed text": {event("Bash", map[string]any{"command": "pg_dump -s shop > db/migrations/00005_all.sql"}), "the shell computes"},
		"a list of databases": {event("Write", map[string]any{"file_path": "onward.yaml",
			"content": "hook:\n  disposable: [db.example.com/app_prod]\n"}), "a person makes"},
		"a broken onward.yaml": {event("Write", map[string]any{"file_path": "onward.yaml", "content": "hook: {disposable: [a"}), "cannot be read"},
		"SQL of a server":      {event("mcp__postgres__query", map[string]any{"sql": "DROP TABLE users"}), "drops tables"},
		"another setting":      {event("Write", map[string]any{"file_path": "onward.yaml", "content": "postgres: 16\n"}), ""},
		"a query":              {event("mcp__postgres__query", map[string]any{"sql": "SELECT 1"}), ""},
		"a text with DROP":     {event("Write", map[string]any{"file_path": "README.md", "content": "DROP TABLE users;"}), ""},
		"queries":              {event("Write", map[string]any{"file_path": "queries/users.sql", "content": "DELETE FROM users WHERE id = $1;\n"}), ""},
		"code":                 {event("Write", map[string]any{"file_path": "app/users.go", "content": "package app\n"}), ""},
		"reads a migration":    {event("Read", map[string]any{"file_path": draft}), ""},
		"greps":                {event("Grep", map[string]any{"pattern": "DROP", "path": "db/migrations"}), ""},
		"a list of tasks":      {event("TodoWrite", map[string]any{"todos": []any{map[string]any{"content": "drop table"}}}), ""},
		"other line ends":      {event("Edit", map[string]any{"file_path": "windows.sql", "old_string": "1;\nSELECT 2", "new_string": "3"}), ""},
		"a session's start":    {map[string]any{"hook_event_name": "SessionStart", "cwd": dir}, ""},
		"after a tool":         {map[string]any{"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": map[string]any{"command": "dropdb x"}}, ""},
		"a fixed draft":        {event("Write", map[string]any{"file_path": draft, "content": begun + "-- more\n"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := judge(t, dir, c.event)
			reasons := strings.Join(d.Refused, "\n")
			if note, ok := strings.CutPrefix(c.want, "note: "); ok {
				if !strings.Contains(strings.Join(d.Notes, "\n"), note) || reasons != "" {
					t.Errorf("%q, notes %q, not %q", reasons, d.Notes, note)
				}
				return
			}
			if c.want == "" && reasons != "" || c.want != "" && !strings.Contains(reasons, c.want) {
				t.Errorf("%q, not %q", reasons, c.want)
			}
		})
	}
}

// Every failure is a refusal if the event concerns migrations, and none is if it does not.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON": "{", "nothing": "", "a list": "[]", "no fields": "{}", "text": "hello", "broken arguments": `{"toolName": "edit", "toolArgs": "{"}`,
		"a broken patch": `{"hook_event_name": "PreToolUse", "tool_name": "apply_patch", "tool_input": {"command": "*** Begin Patch\n+x"}}`,
	} {
		if d := hook.Judge(t.Context(), newConfig(t.TempDir()), strings.NewReader(text)); len(d.Refused) == 0 {
			t.Errorf("%s passes", name)
		}
	}
	migration := func(dir string) any { return forms["claude Write"](dir, harmlessSQL[0]) }
	other := func(dir string) any {
		return map[string]any{"tool_name": "Write", "cwd": dir, "tool_input": map[string]any{"file_path": "a.go", "content": "package a\n"}}
	}
	plain := gittest.NewDir(t, map[string]string{base: goose})
	noBase := gittest.NewDir(t, map[string]string{base: goose})
	gittest.RunGit(t, noBase, "init", "-q", "-b", "topic")
	gittest.RunGit(t, noBase, "add", "-A")
	gittest.RunGit(t, noBase, "commit", "-q", "-m", "a")
	broken := gittest.Commits(t, map[string]string{base: goose, "onward.yaml": "colour: red\n"})
	for name, dir := range map[string]string{"no git": plain, "no base": noBase, "broken settings": broken} {
		if d := judge(t, dir, migration(dir)); len(d.Refused) == 0 {
			t.Errorf("%s: a migration passes", name)
		}
		if d := judge(t, dir, other(dir)); len(d.Refused) > 0 {
			t.Errorf("%s: another file is refused: %s", name, d.Refused)
		}
	}
	c := newConfig(plain)
	c.Limit = time.Millisecond
	unsent, assistant := io.Pipe() // an event that does not come
	if d := hook.Judge(t.Context(), c, unsent); !strings.Contains(strings.Join(d.Refused, ""), "it was not judged within 1ms") {
		t.Errorf("after the time limit the decision is %+v, want a refusal", d)
	}
	_ = assistant.Close()
	c = newConfig(repository(t))
	c.Settings = nil // a fault of onward's own
	data, err := json.Marshal(migration(c.Dir))
	if err != nil {
		t.Fatal(err)
	}
	if d := hook.Judge(t.Context(), c, strings.NewReader(string(data))); !strings.Contains(strings.Join(d.Refused, ""), "fault of onward") {
		t.Errorf("a panic: %s", d.Refused)
	}
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	if d := hook.Judge(interrupted, newConfig(plain), blockedInput{}); !strings.Contains(strings.Join(d.Refused, ""), "interrupted") {
		t.Errorf("an interruption: %s", d.Refused)
	}
	c = newConfig(repository(t))
	c.Limit = time.Millisecond
	if d := hook.Judge(t.Context(), c, strings.NewReader(string(data))); !strings.Contains(strings.Join(d.Refused, ""), "within 1ms") {
		t.Errorf("the limit: %s", d.Refused)
	}
}

// blockedInput is an input that never has an event.
type blockedInput struct{}

func (blockedInput) Read([]byte) (int, error) { select {} }

// Files that programs move, copy, change and remove are judged as edits of them are.
func TestFileCommands(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	for name, text := range map[string]string{
		"draft.sql": goose + harmfulSQL[0], "calm.sql": goose + harmlessSQL[0], "drafts/00005_a.sql": goose + harmfulSQL[1], "notes.txt": "x\n",
		"node_modules/knex/migrations/1.sql": "DROP TABLE users;\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for command, want := range map[string]string{ // a part of the refusal; "" for none
		"mv draft.sql " + next:                                              "index-create-blocking",
		"git mv -f draft.sql " + next:                                       "index-create-blocking",
		"cp draft.sql " + next:                                              "index-create-blocking",
		"cp -t db/migrations draft.sql drafts/00005_a.sql":                  "column-drop",
		"cp drafts/*.sql db/migrations/":                                    "",
		"mv drafts/00005_a.sql db/migrations":                               "column-drop",
		"cp -r drafts/. db/migrations/":                                     "column-drop",
		"cat > x.sql <<E\n" + goose + harmfulSQL[1] + "E\nmv x.sql " + next: "column-drop",
		"echo 'DROP TABLE users;' | tee -a " + draft:                        "table-drop",
		"date | tee " + draft:                                               "computes what it writes",
		"sed -i 's/notes/remarks/' " + draft:                                "computes what it writes",
		"sed -i.bak -e s/a/b/ README.md " + draft:                           "computes what it writes",
		"perl -pi -e 's/a/b/' " + draft:                                     "computes what it writes",
		"cp \"$SOURCE\" " + next:                                            "computes what it writes",
		"cp calm.sql " + next:                                               "",
		"mv " + draft + " db/migrations/00005_notes.sql":                    "",
		"rm " + draft:                                   "",
		"rm -rf node_modules notes.txt":                 "",
		"sed -n 1,5p " + draft:                          "",
		"sed 's/a/b/' " + draft + " | grep b":           "",
		"sed -i 's/Shop/Store/' README.md app/users.go": "",
		"cp " + draft + " /tmp/x.sql":                   "",
		"cat > /tmp/x.sql <<E\nDROP TABLE users;\nE":    "",
		"mv notes.txt other.txt":                        "",
		"tee notes.txt < README.md":                     "",
		"docker compose exec app rm " + base:            "",
	} {
		d := judge(t, dir, map[string]any{"tool_name": "Bash", "cwd": dir, "tool_input": map[string]any{"command": command}})
		got := strings.Join(d.Refused, "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: refused: %q, want %q", command, got, want)
		}
	}
}
