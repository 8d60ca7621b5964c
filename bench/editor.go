//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/bench/measure"
)

// keys is how many keystrokes are measured.
const keys = 40

// typeKeys is an editor: it opens a file, types in a comment in its middle, one character more each time, and waits for the diagnostics of
// each version.
func typeKeys(program, file string) {
	text := string(measure.Must(os.ReadFile(file)))
	e := startEditor(program)
	uri := "file://" + measure.Must(filepath.Abs(file))
	e.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "sql", "version": 1, "text": text}})
	e.waitForDiagnostics(1)
	place := map[string]int{"line": strings.Count(text, "\n") / 2, "character": 0}
	for key := range keys {
		e.notify("textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": uri, "version": key + 2},
			"contentChanges": []any{map[string]any{"range": map[string]any{"start": place, "end": place}, "text": []string{"-", "-", " "}[min(key, 2)]}},
		})
		e.waitForDiagnostics(key + 2)
	}
	measure.Check(e.in.Close())
	_ = e.cmd.Wait() // its exit code says that nobody asked it to shut down
}

// makeTypedMigration is a schema, and a migration of some lines on it with what migrations have in them.
func makeTypedMigration(lines int) (schema, migration string) {
	var b strings.Builder
	count := 0
	add := func(text string) {
		b.WriteString(text + "\n")
		count += 1 + strings.Count(text, "\n")
	}
	for i := 0; count < lines; i++ {
		n := strconv.Itoa(i)
		add("CREATE TABLE item_" + n + " (\n  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n  name text NOT NULL,\n" +
			"  price numeric(12,2) NOT NULL DEFAULT 0,\n  customer_id bigint REFERENCES customers (id),\n  created_at timestamptz NOT NULL DEFAULT now()\n);")
		add("CREATE INDEX item_" + n + "_idx ON orders (customer_id, total_" + strconv.Itoa(i%20) + ");\n-- what this is for")
		add("ALTER TABLE orders ADD COLUMN extra_" + n + " text;")
		add("UPDATE orders SET note = 'x'\nWHERE customer_id IN (SELECT id FROM customers WHERE email LIKE '%@example.com')\n  AND id > " + n + ";")
		add("CREATE FUNCTION f_" + n + "(a int) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  IF a > 1 THEN\n    RETURN a + 1;\n  END IF;\n  RETURN a;\nEND $$;")
		add("ALTER TABLE customers ADD CONSTRAINT c_" + n + " CHECK (id > " + n + ") NOT VALID;")
		add("INSERT INTO customers (id, email) VALUES (" + n + ", 'a');\n")
	}
	totals := ""
	for i := range 20 {
		totals += ", total_" + strconv.Itoa(i) + " int"
	}
	return "CREATE TABLE customers (id bigint PRIMARY KEY, email text);\nCREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text" + totals +
		");\n", b.String()
}

// editor is one side of a session.
type editor struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startEditor(program string) *editor {
	e := &editor{cmd: exec.Command(program, "lsp")}
	e.cmd.Stderr = os.Stderr
	e.in = measure.Must(e.cmd.StdinPipe())
	e.out = bufio.NewReader(measure.Must(e.cmd.StdoutPipe()))
	measure.Check(e.cmd.Start())
	e.writeMessage(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": map[string]any{"capabilities": map[string]any{}}})
	e.readMessage()
	e.notify("initialized", map[string]any{})
	return e
}

func (e *editor) notify(method string, params any) {
	e.writeMessage(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

func (e *editor) writeMessage(message any) {
	data := measure.Must(json.Marshal(message))
	measure.Must(fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(data), data))
}

// serverMessage is what the server says.
type serverMessage struct {
	Method string `json:"method"`
	Params struct {
		Version int `json:"version"`
	} `json:"params"`
}

func (e *editor) readMessage() (m serverMessage) {
	size := 0
	for {
		line := strings.TrimSpace(measure.Must(e.out.ReadString('\n')))
		if line == "" {
			break
		}
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			size = measure.Must(strconv.Atoi(n))
		}
	}
	data := make([]byte, size)
	measure.Must(io.ReadFull(e.out, data))
	measure.Check(json.Unmarshal(data, &m))
	return m
}

// waitForDiagnostics waits for the diagnostics of a version.
func (e *editor) waitForDiagnostics(version int) {
	for m := e.readMessage(); m.Method != "textDocument/publishDiagnostics" || m.Params.Version != version; m = e.readMessage() {
	}
}
