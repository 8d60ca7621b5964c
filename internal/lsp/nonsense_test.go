package lsp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/creachadair/jrpc2"
)

// An editor's mistakes cost the document that they are about, until it is opened again.
func TestNonsense(t *testing.T) {
	t.Parallel()
	const file = "m/2_b.sql"
	s := edits(t, "{}", deployed, "-- m/2_b.sql --\nSELECT 1;\n")
	bad := "CREATE INDEX i ON t (v);\n"
	s.open(file, bad)
	if got := codes(s.diagnostics(file, 1)); !strings.Contains(got, "index-create-blocking [0,") {
		t.Fatal(got)
	}
	s.change("m/never.sql", 2, whole("x"))
	// Behind its end: the end is meant.
	s.change(file, 2, `[{"range":{"start":{"line":99,"character":0},"end":{"line":4000000000,"character":7}},"text":"DROP TABLE t;\n"}]`)
	if got := codes(s.diagnostics(file, 2)); !strings.Contains(got, "table-drop [1,") {
		t.Error(got)
	}
	// Older than what is there: all of it is left out.
	s.change(file, 1, whole("SELECT 1;\n"))
	// It ends before it begins: the text is not known any more.
	s.change(file, 3, `[{"range":{"start":{"line":1,"character":5},"end":{"line":0,"character":1}},"text":"x"}]`)
	if got := s.diagnostics(file, 3); len(got) > 0 {
		t.Error(codes(got))
	}
	if m := <-s.said; !strings.Contains(m.Message, "2_b.sql is not judged any more") {
		t.Error(m.Message)
	}
	s.change(file, 4, `"x"`)
	s.change(file, 5, whole(bad))
	if got := codes(s.diagnostics(file, 5)); !strings.Contains(got, "index-create-blocking [0,") {
		t.Error(got)
	}
	// 10 MB: it is reported, and nothing else happens.
	s.change(file, 6, whole(strings.Repeat("-- long\n", 10<<20/8)+bad))
	if got := s.diagnostics(file, 6); len(got) != 1 || got[0].Severity != 3 || !strings.Contains(got[0].Message, "the file has 10 MB") {
		t.Errorf("%.500s", codes(got))
	}
}

// What the words of hover and the edits of code actions are is seen in Neovim (cmd/onward);
// here what editors differ in.
func TestActions(t *testing.T) {
	t.Parallel()
	const file = "m/2_b.sql"
	s := edits(t, `{"workspace":{"workspaceEdit":{"documentChanges":true}}}`, deployed, "-- m/2_b.sql --\nSELECT 1;\n")
	s.open(file, "-- 🐘\r\n  CREATE INDEX i ON t (v);\r\n")
	var list []codeAction
	ask := map[string]any{"textDocument": document{URI: s.uri(file)}, "range": span{position{1, 4}, position{1, 4}}, "context": struct{}{}}
	if err := s.rpc.CallResult(t.Context(), "textDocument/codeAction", ask, &list); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"make it safe": " CONCURRENTLY", "ignore": "  -- onward:ignore index-create-blocking: why it is safe here\r\n"}
	for _, a := range list {
		for title, text := range want {
			if strings.Contains(a.Title, title+":") || strings.Contains(a.Title, title+" index-create-blocking") {
				out, _ := json.Marshal(a)         //nolint:errchkjson // strings
				inserted, _ := json.Marshal(text) //nolint:errchkjson // strings
				if a.Edit == nil || len(a.Edit.Documents) != 1 || !strings.Contains(string(out), `"newText":`+string(inserted)) {
					t.Errorf("%s", out)
				}
				delete(want, title)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not offered: %v", want)
	}
	var page string
	if err := s.rpc.CallResult(t.Context(), "workspace/executeCommand", map[string]any{
		"command":   explainCommand,
		"arguments": []string{"x"},
	}, &page); err != nil || page != "# x" {
		t.Error(page, err)
	}
	if _, err := s.rpc.Call(t.Context(), "workspace/executeCommand", map[string]any{
		"command":   "rm",
		"arguments": []string{"x"},
	}); jrpc2.ErrorCode(err) != jrpc2.InvalidParams {
		t.Error(err)
	}
	// The schema in a file that is no migration, on the column of an alias.
	s.open("report.sql", "SELECT x.v FROM t x;\n")
	var h hover
	if err := s.rpc.CallResult(t.Context(), "textDocument/hover", map[string]any{
		"textDocument": document{URI: s.uri("report.sql")},
		"position":     position{0, 9},
	}, &h); err != nil || !strings.Contains(h.Contents.Value, "**t.v**, column of a table\n\n- v text, nullable") {
		t.Errorf("%+v %v", h, err)
	}
}
