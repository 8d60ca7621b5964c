package pgparse_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgparse"
)

// listener speaks as much of the server's protocol as psql needs, and writes down
// each message that psql sends: what it makes of a file is read here, and not in
// any log. It runs nothing. COPY … FROM STDIN gets its rows, and what sets
// standard_conforming_strings is reported, as psql's own lexer follows that.
type listener struct {
	net.Listener
	mu       sync.Mutex
	messages []string
	strings  []pgparse.Strings // with which each message was read
}

func (l *listener) serve() {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go l.session(conn)
	}
}

func answer(w io.Writer, kind byte, body string) {
	head := []byte{kind, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)+4))
	_, _ = w.Write(append(head, body...))
}

func (l *listener) session(conn net.Conn) {
	defer conn.Close()
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	var size uint32
	if binary.Read(r, binary.BigEndian, &size) != nil {
		return
	}
	if _, err := r.Discard(int(size) - 4); err != nil {
		return
	}
	answer(w, 'R', "\x00\x00\x00\x00")
	for name, value := range map[string]string{
		"server_version": "15.4", "client_encoding": "UTF8", "server_encoding": "UTF8", "standard_conforming_strings": "on",
	} {
		answer(w, 'S', name+"\x00"+value+"\x00")
	}
	answer(w, 'K', "\x00\x00\x00\x01\x00\x00\x00\x02")
	answer(w, 'Z', "I")
	state, all := pgparse.Strings{}, ""
	for w.Flush() == nil {
		kind, body, ok := message(r)
		if !ok || kind == 'X' {
			return
		}
		if kind != 'Q' {
			continue
		}
		sql := strings.TrimSuffix(body, "\x00")
		l.mu.Lock()
		l.messages, l.strings = append(l.messages, sql), append(l.strings, state)
		l.mu.Unlock()
		file, err := pgparse.SplitBy(sql, pgparse.Reader{Message: true, Strings: state})
		if err != nil {
			return
		}
		for i := range file.Stmts {
			if c := file.Stmts[i].Node.GetCopyStmt(); c != nil && c.IsFrom && c.Filename == "" && !c.IsProgram {
				answer(w, 'G', "\x00\x00\x00")
				if w.Flush() != nil {
					return
				}
				for kind != 'c' && kind != 'f' {
					if kind, _, ok = message(r); !ok {
						return
					}
				}
			}
			answer(w, 'C', "OK\x00")
		}
		if len(file.Stmts) == 0 {
			answer(w, 'I', "")
		}
		if previous := state; pgparse.Whole(sql) != nil {
			all += sql + ";\n"
			splitFile, err := pgparse.SplitText(all + "SELECT 1")
			if err != nil {
				return
			}
			if state = splitFile.Stmts[len(splitFile.Stmts)-1].Strings; state != previous {
				answer(w, 'S', "standard_conforming_strings\x00"+map[bool]string{true: "off", false: "on"}[state.Off]+"\x00")
			}
		}
		answer(w, 'Z', "I")
	}
}

func message(r *bufio.Reader) (kind byte, body string, ok bool) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, "", false
	}
	text := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err := io.ReadFull(r, text)
	return head[0], string(text), err == nil
}

// sentByPsql are the messages that the real psql sends for a file.
func sentByPsql(t *testing.T, text string) ([]string, []pgparse.Strings) {
	t.Helper()
	psql := component.NeedProgram(t, component.Psql, "psql")
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	l := &listener{Listener: socket}
	go l.serve()
	file := filepath.Join(t.TempDir(), "f.sql")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(socket.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, psql, "-X", "-q", "-f", file, "host=127.0.0.1 port="+port+" user=u dbname=d sslmode=disable gssencmode=disable")
	cmd.Env = append(os.Environ(), "PGCLIENTENCODING=", "HOME="+t.TempDir(), "PSQLRC=/dev/null", "PAGER=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && ctx.Err() != nil {
		t.Fatalf("run psql: %v\n%s", err, out.String())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages, l.strings
}

// inMessages are the statements of messages, as the server's grammar finds them;
// one that it does not parse counts as it was cut.
func inMessages(t *testing.T, messages []string, states []pgparse.Strings) []string {
	t.Helper()
	var out []string
	for i, m := range messages {
		var list []string
		whole := pgparse.Whole(m)
		if states[i].Off || whole == nil {
			file, err := pgparse.SplitBy(m, pgparse.Reader{Message: true, Strings: states[i]})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range file.Stmts {
				list = append(list, m[s.Start:s.End])
			}
		} else {
			list = whole
		}
		for _, s := range list {
			if s = plain(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// bySplit are the statements that this package makes of a file, without psql's own
// commands.
func bySplit(t *testing.T, text string) []string {
	t.Helper()
	file, err := pgparse.SplitBy(text, pgparse.Reader{Psql: true})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range file.Stmts {
		sql := text[s.Start:s.End]
		if s.Err != nil && strings.Contains(s.Err.Message, "psql command") {
			sql = text[s.Start:s.Err.Offset]
		}
		if sql = plain(sql); sql != "" {
			out = append(out, sql)
		}
	}
	return out
}

// plain is a statement for comparison: what has no end, psql sends with its
// semicolon and the line's end.
func plain(sql string) string { return strings.TrimRight(pgparse.SqueezeSQL(sql), "; \r\n") }

// difference is the first place where two lists are not one.
func difference(psql, statements []string) string {
	for i := range max(len(psql), len(statements)) {
		var p, o string
		if i < len(psql) {
			p = psql[i]
		}
		if i < len(statements) {
			o = statements[i]
		}
		if p != o {
			return "psql sends\n" + clip(p) + "\nand we read\n" + clip(o)
		}
	}
	return ""
}

func clip(s string) string {
	if len(s) > 400 {
		s = s[:400] + "…"
	}
	return s
}

// explained are the differences that stay, and why nothing is lost by them.
var explained = map[string]string{
	"rows and no end":              "psql takes what follows for rows; we say so, as it looks like SQL",
	"no end, and more on the line": "psql takes what follows for rows; we say so, as it looks like SQL",
	"a mark in the middle":         "psql passes over a byte order mark on its second line, too; we say that the statement cannot be read",
	"a colon":                      `psql makes a colon of \:; we say that the statement cannot be read`,
}

// TestRealPsql holds the statements of each file against those that psql sends.
func TestRealPsql(t *testing.T) {
	t.Parallel()
	for name, text := range evasions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			messages, states := sentByPsql(t, text)
			d := difference(inMessages(t, messages, states), bySplit(t, text))
			if reason := explained[name]; (d != "") != (reason != "") {
				t.Errorf("explained by %q, but\n%s", reason, d)
			}
		})
	}
}

// asking are the commands by which psql asks the server on its own account, or fills
// in what the file does not say.
var asking = regexp.MustCompile(`(?m)\\(d[a-zA-Z]*[+]*|getenv|set|z|l|lo_\w+|sf|sv|crosstabview)([+]?\s|$)`)

// TestRealPsqlOnCorpus does so with the SQL files below the directory that ONWARD_PSQL_CORPUS
// names, such as the regression suites of Postgres: psql runs what they hold. It is no
// part of the suite.
func TestRealPsqlOnCorpus(t *testing.T) {
	t.Parallel()
	root := os.Getenv("ONWARD_PSQL_CORPUS")
	if root == "" {
		component.Need(t, component.ByHand, errors.New("ONWARD_PSQL_CORPUS names no directory"))
	}
	files, different := 0, 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := asking.ReplaceAllString(strings.ReplaceAll(string(content), `\gdesc`, `\g`), `\echo$2`)
		for _, runs := range []string{`\!`, `\i`, `\o`, `\w`, `\copy`, `\if`, `\e`, "`", `\password`} {
			if strings.Contains(text, "\n"+runs) || runs == "`" && strings.Contains(text, "`") {
				t.Logf("%s is left out: it has %s, and what psql does is not in the file alone", path, runs)
				return nil
			}
		}
		files++
		messages, states := sentByPsql(t, text)
		if d := difference(inMessages(t, messages, states), bySplit(t, text)); d != "" {
			different++
			t.Errorf("SplitText and psql split %s differently: %s", path, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d of them different", files, different)
}
