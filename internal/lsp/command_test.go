package lsp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creachadair/jrpc2"
)

// gooseBase is a deployed migration of goose.
const gooseBase = "-- m/00001_a.sql --\n-- +goose Up\nCREATE TABLE t (id bigint PRIMARY KEY, v text);\n"

// filesCapable are the capabilities of an editor that creates and deletes files.
const filesCapable = `"capabilities":{"workspace":{"applyEdit":true,"workspaceEdit":{"documentChanges":true,` +
	`"resourceOperations":["create","rename","delete"]}}}`

func (s *session) lenses(path string) []codeLens {
	s.t.Helper()
	var out []codeLens
	if err := s.rpc.CallResult(s.t.Context(), "textDocument/codeLens", map[string]any{"textDocument": document{URI: s.uri(path)}}, &out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *session) execute(to any, name string, arguments ...any) error {
	return s.rpc.CallResult(s.t.Context(), "workspace/executeCommand", map[string]any{"command": name, "arguments": arguments}, to)
}

// Each statement has a line with its strongest lock, and the first unsafe one has a plan. Their commands answer for
// the unsaved text.
func TestLenses(t *testing.T) {
	t.Parallel()
	const file = "m/00002_b.sql"
	s := editsWith(t, `"initializationOptions":{"showsResults":true,"showsVerdict":true},`+filesCapable, gooseBase, "-- "+file+" --\n-- +goose Up\nSELECT 1;\n")
	s.open(file, "-- +goose Up\nCREATE TABLE fresh (id int);\n  ALTER TABLE t ADD COLUMN w int;\nALTER TABLE t RENAME COLUMN v TO name;\n")
	s.diagnostics(file, 1)
	var got []string
	var lenses []codeLens
	for _, l := range s.lenses(file) {
		got, lenses = append(got, place(l.Range)+" "+l.Command.Title), append(lenses, l)
	}
	want := []string{
		"[1,0,1,28] what this locks: nothing that others use",
		"[2,2,2,33] what this locks: t, AccessExclusiveLock, blocks reads and writes",
		"[3,0,3,38] what this locks: t, AccessExclusiveLock, blocks reads and writes",
		"[3,0,3,38] plan this",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var text string
	if err := s.execute(&text, lenses[1].Command.Command, lenses[1].Command.Arguments...); err != nil ||
		!strings.Contains(text, "ALTER TABLE t ADD COLUMN w int\n") || !strings.Contains(text, "| t | AccessExclusiveLock |") {
		t.Errorf("%v %s", err, text)
	}
	if err := s.execute(&text, lenses[3].Command.Command, lenses[3].Command.Arguments...); err != nil || !strings.Contains(text, "ADD COLUMN name") {
		t.Errorf("%v %s", err, text)
	}
	for _, bad := range []struct {
		name string
		args []any
	}{
		{locksCommand, nil},
		{locksCommand, []any{s.uri(file), "x"}},
		{locksCommand, []any{s.uri(file), position{99, 0}}},
		{locksCommand, []any{s.uri("other.sql"), position{}}},
		{planCommand, []any{s.uri("other.sql")}},
		{planCommand, []any{7}},
		{"rm", []any{s.uri(file)}},
	} {
		if err := s.execute(&text, bad.name, bad.args...); jrpc2.ErrorCode(err) != jrpc2.InvalidParams {
			t.Errorf("%s %v: %v", bad.name, bad.args, err)
		}
	}
	select {
	case m := <-s.said:
		t.Errorf("shown although the editor shows results: %s", m.Message)
	default:
	}
	if v := <-s.verdicts; v.State != "safe-if" || v.Warnings != 2 || v.Directory == "" {
		t.Errorf("%+v", v)
	}
}

// A rename needs several files: the editor gets them as one edit, which it asks its user about.
func TestRewriteFiles(t *testing.T) {
	t.Parallel()
	const file = "m/00002_b.sql"
	s := editsWith(t, filesCapable, gooseBase, "-- "+file+" --\n-- +goose Up\nSELECT 1;\n")
	s.open(file, "-- +goose Up\nALTER TABLE t RENAME COLUMN v TO unsaved;\n")
	s.diagnostics(file, 1)
	var p codeActionParams
	p.TextDocument.URI, p.Range.End.Line = s.uri(file), 9
	var actions []codeAction
	if err := s.rpc.CallResult(t.Context(), "textDocument/codeAction", p, &actions); err != nil {
		t.Fatal(err)
	}
	run := (*command)(nil)
	for _, a := range actions {
		if strings.HasPrefix(a.Title, "onward: replace the migration by safe files") {
			run = a.Command
		}
	}
	if run == nil {
		t.Fatalf("%+v", actions)
	}
	s.answers <- "" // the user does not agree
	if err := s.execute(new(any), run.Command, run.Arguments...); err != nil {
		t.Fatal(err)
	}
	if q := <-s.questions; !strings.Contains(q, "remove "+file) || !strings.Contains(q, "create m/00003_b_01_expand.sql, ") {
		t.Error(q)
	}
	s.answers <- replaceTitle
	if err := s.execute(new(any), run.Command, run.Arguments...); err != nil {
		t.Fatal(err)
	}
	var ask struct {
		Edit struct {
			DocumentChanges []struct {
				Kind, URI string
				Edits     []textEdit
			}
		}
	}
	if err := json.Unmarshal(<-s.asked, &ask); err != nil {
		t.Fatal(err)
	}
	created, deleted, text := 0, "", ""
	for _, c := range ask.Edit.DocumentChanges {
		switch c.Kind {
		case "create":
			created++
		case "delete":
			deleted += c.URI
		default:
			text += c.Edits[0].NewText
		}
	}
	if created < 2 || deleted != s.uri(file) || !strings.Contains(text, `ADD COLUMN unsaved`) {
		t.Errorf("%d created, %s deleted\n%s", created, deleted, text)
	}
	if len(s.asked) > 0 {
		t.Error("it was applied without the user")
	}
	if saved, err := os.ReadFile(filepath.Join(s.dir, file)); err != nil || !strings.Contains(string(saved), "SELECT 1") {
		t.Errorf("the server wrote the file: %s %v", saved, err)
	}
	list, err := os.ReadDir(filepath.Join(s.dir, "m"))
	if err != nil || len(list) != 2 {
		t.Errorf("the server made files: %v %v", list, err)
	}
}

// An editor that cannot create files is not offered several.
func TestNoRewriteFiles(t *testing.T) {
	t.Parallel()
	const file = "m/00002_b.sql"
	s := edits(t, "{}", gooseBase, "-- "+file+" --\n-- +goose Up\nALTER TABLE t RENAME COLUMN v TO w;\n")
	s.open(file, "-- +goose Up\nALTER TABLE t RENAME COLUMN v TO w;\n")
	s.diagnostics(file, 1)
	var p codeActionParams
	p.TextDocument.URI, p.Range.End.Line = s.uri(file), 9
	var actions []codeAction
	if err := s.rpc.CallResult(t.Context(), "textDocument/codeAction", p, &actions); err != nil || len(actions) == 0 {
		t.Fatal(err, actions)
	}
	for _, a := range actions {
		if strings.Contains(a.Title, "safe files") {
			t.Error(a.Title)
		}
	}
	if err := s.execute(new(any), rewriteCommand, s.uri(file)); jrpc2.ErrorCode(err) != jrpc2.InvalidRequest {
		t.Error(err)
	}
}
