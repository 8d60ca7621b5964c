// Command lsp measures how long an editor waits for findings after a keystroke in migrations of 2,000 and of 10,000
// lines: from the change, over the pipe, to the diagnostics of its version.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
)

// sizes are the lengths of the files, with the limits for the median of the keystrokes. The whole release is folded and judged
// again after each one, so the time grows with the file.
var sizes = []struct {
	lines int
	limit time.Duration
}{{2000, 50 * time.Millisecond}, {10000, 600 * time.Millisecond}}

func main() {
	program := flag.String("onward", "bin/onward", "the program")
	keys := flag.Int("keys", 60, "keystrokes")
	file := flag.String("file", "", "a migration to type in, instead of the one that is made up")
	flag.Parse()
	missed := false
	for _, size := range sizes {
		over, err := runEditor(*program, *keys, *file, size.lines, size.limit)
		if missed = missed || over; err != nil || *file != "" {
			run.ExitIf(missed, err)
			return
		}
	}
	run.ExitIf(missed, nil)
}

func runEditor(program string, keys int, file string, lines int, limit time.Duration) (missed bool, err error) {
	if program, err = filepath.Abs(program); err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	schema, text := makeMigration(lines)
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		text = string(content)
	}
	if err := makeRepository(dir, schema, text); err != nil {
		return false, err
	}
	e, err := startEditor(program, dir)
	if err != nil {
		return false, err
	}
	defer e.endEditor()
	began := time.Now()
	if err := e.sendRequest("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": e.uri, "languageId": "sql", "version": 1, "text": text}}); err != nil {
		return false, err
	}
	found, err := e.waitForDiagnostics(1)
	if err != nil {
		return false, err
	}
	fmt.Printf("%-64s %s, %d findings\n", "opened, with the base", time.Since(began).Round(time.Millisecond), found)
	var took []time.Duration
	for key := range keys {
		// In a comment in the middle, one character more each time.
		place := map[string]int{"line": lines / 2, "character": 0}
		began := time.Now()
		if err := e.sendRequest("textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": e.uri, "version": key + 2},
			"contentChanges": []any{map[string]any{"range": map[string]any{"start": place, "end": place}, "text": []string{"-", "-", " "}[min(key, 2)]}},
		}); err != nil {
			return false, err
		}
		if _, err := e.waitForDiagnostics(key + 2); err != nil {
			return false, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	median, most := table.Median(took), took[len(took)*95/100]
	var t table.Table
	t.PrintLine(fmt.Sprintf("a keystroke in %d lines, %d KB", strings.Count(text, "\n"), len(text)>>10),
		fmt.Sprintf("%s (95 %%: %s)", median.Round(100*time.Microsecond), most.Round(100*time.Microsecond)), median <= limit, limit.String())
	return t.Missed, nil
}

// makeMigration is a schema, and a migration of some lines on it with what migrations have in them.
func makeMigration(lines int) (schema, migration string) {
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

// makeRepository has the schema as its base, and the migration in its working tree.
func makeRepository(dir, schema, migration string) error {
	git := func(args ...string) error {
		cmd := exec.Command("git", append([]string{"-c", "user.name=bench", "-c", "user.email=bench@example.com"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
		return nil
	}
	write := func(name, text string) error {
		return os.WriteFile(filepath.Join(dir, "migrations", name), []byte("-- +goose Up\n"+text), 0o600)
	}
	for _, step := range []func() error{
		func() error { return os.Mkdir(filepath.Join(dir, "migrations"), 0o700) },
		func() error { return write("00001_schema.sql", schema) },
		func() error { return git("init", "-q", "-b", "main") },
		func() error { return git("add", ".") },
		func() error { return git("commit", "-qm", "schema") },
		func() error { return write("00002_more.sql", migration) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// editor is one side of a session.
type editor struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	uri string
}

func startEditor(program, dir string) (*editor, error) {
	e := &editor{cmd: exec.Command(program, "lsp"), uri: "file://" + filepath.Join(dir, "migrations", "00002_more.sql")}
	e.cmd.Dir, e.cmd.Stderr = dir, os.Stderr
	var err error
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.out = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	if err := e.writeMessage(map[string]any{
		"jsonrpc": "2.0",
		"id":      1,
		"method":  "initialize",
		"params":  map[string]any{"capabilities": map[string]any{}},
	}); err != nil {
		return nil, err
	}
	if _, err := e.readMessage(); err != nil {
		return nil, err
	}
	return e, e.sendRequest("initialized", map[string]any{})
}

func (e *editor) endEditor() {
	_ = e.in.Close()
	_ = e.cmd.Wait()
}

func (e *editor) sendRequest(method string, params any) error {
	return e.writeMessage(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

func (e *editor) writeMessage(message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(data), data)
	return err
}

// message is what the server says.
type message struct {
	Method string `json:"method"`
	Params struct {
		Version     int               `json:"version"`
		Diagnostics []json.RawMessage `json:"diagnostics"`
	} `json:"params"`
}

func (e *editor) readMessage() (message, error) {
	size := 0
	for {
		line, err := e.out.ReadString('\n')
		if err != nil {
			return message{}, err
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if size, err = strconv.Atoi(n); err != nil {
				return message{}, err
			}
		}
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(e.out, data); err != nil {
		return message{}, err
	}
	var m message
	err := json.Unmarshal(data, &m)
	return m, err
}

// waitForDiagnostics waits for the diagnostics of a version, and counts them.
func (e *editor) waitForDiagnostics(version int) (int, error) {
	for {
		m, err := e.readMessage()
		if err != nil {
			return 0, err
		}
		if m.Method == "textDocument/publishDiagnostics" && m.Params.Version == version {
			return len(m.Params.Diagnostics), nil
		}
	}
}
