package fill

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// mostStatement limits a statement of a dump: function bodies and INSERTs of
// many rows are long, but no dump has a statement of this length.
const mostStatement = 256 << 20

// dump splits the plain text of pg_dump into statements. It holds one statement at a time in memory.
type dump struct {
	in   *bufio.Reader
	line int
}

var (
	dollar    = lazyregexp.New(`\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$$`)
	bodyBegin = lazyregexp.New(`(?i)\bBEGIN\s+ATOMIC\b`)
)

// nextStatement returns the next statement and the line on which it begins. It skips the
// psql commands that pg_dump writes around the statements.
func (d *dump) nextStatement() (string, int, error) {
	var b []byte
	begin := d.line
	depth := 0 // of parentheses
	for {
		c, err := d.in.ReadByte()
		if errors.Is(err, io.EOF) {
			if len(bytes.TrimSpace(b)) > 0 {
				return string(b), begin, nil
			}
			return "", begin, io.EOF
		}
		if err != nil {
			return "", begin, err
		}
		if len(b) > mostStatement {
			return "", begin, fmt.Errorf("a statement of more than %d MB", mostStatement>>20)
		}
		if len(b) == 0 {
			begin = d.line
			switch c {
			case '\n':
				d.line++
				continue
			case ' ', '\t', '\r', '\f':
				continue
			case '\\':
				if err := d.readPsqlCommand(); err != nil {
					return "", begin, err
				}
				continue
			case 0xef: // a byte order mark
				if rest, _ := d.in.Peek(2); len(rest) == 2 && rest[0] == 0xbb && rest[1] == 0xbf {
					_, _ = d.in.Discard(2)
					continue
				}
			}
		}
		if c == '\n' {
			d.line++
		}
		following, _ := d.in.Peek(1)
		follows := byte(0)
		if len(following) == 1 {
			follows = following[0]
		}
		switch {
		case c == '-' && follows == '-':
			if _, err := d.readUntil(nil, "\n", false); err != nil && !errors.Is(err, io.EOF) {
				return "", begin, err
			}
			if len(b) > 0 {
				b = append(b, '\n')
			}
		case c == '/' && follows == '*':
			if err := d.skipComment(); err != nil {
				return "", begin, err
			}
			if len(b) > 0 {
				b = append(b, ' ')
			}
		case c == '\'':
			// E'…' has backslash escapes.
			escapes := len(b) > 0 && (b[len(b)-1] == 'E' || b[len(b)-1] == 'e') && (len(b) == 1 || !isWordByte(b[len(b)-2]))
			b = append(b, c)
			if b, err = d.readUntil(b, "'", escapes); err != nil {
				return "", begin, errors.New("a string that does not end")
			}
		case c == '"':
			b = append(b, c)
			if b, err = d.readUntil(b, `"`, false); err != nil {
				return "", begin, errors.New("a quoted name that does not end")
			}
		case c == '$':
			b = append(b, c)
			if tag := dollar.Find(b[max(0, len(b)-80):]); tag != nil && (len(b) == len(tag) || !isWordByte(b[len(b)-len(tag)-1])) {
				if b, err = d.readUntil(b, string(tag), false); err != nil {
					return "", begin, errors.New("a dollar quoted string that does not end")
				}
			}
		case c == ';' && depth <= 0 && !isInAtomicBody(b):
			return string(b), begin, nil
		default:
			switch c {
			case '(':
				depth++
			case ')':
				depth--
			}
			b = append(b, c)
		}
	}
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

var (
	createRoutine = lazyregexp.New(`(?is)^\s*CREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE)\b`)
	bodyEnd       = lazyregexp.New(`(?i)\bEND\s*$`)
	bodyCase      = lazyregexp.New(`(?i)\b(CASE|END)\b`)
)

// isInAtomicBody reports whether a semicolon at this place is inside BEGIN ATOMIC …
// END.
func isInAtomicBody(b []byte) bool {
	if !createRoutine.Match(b[:min(len(b), 100)]) {
		return false
	}
	match := bodyBegin.FindIndex(b)
	if match == nil {
		return false
	}
	if !bodyEnd.Match(b) {
		return true
	}
	depth := 0 // of CASE, which also ends with END
	for _, w := range bodyCase.FindAll(b[match[1]:], -1) {
		if len(w) == 4 {
			depth++
		} else {
			depth--
		}
	}
	return depth >= 0
}

// readUntil appends what is read up to and including end. With escapes, a backslash
// escapes the next character.
func (d *dump) readUntil(b []byte, end string, escapes bool) ([]byte, error) {
	start := len(b)
	for {
		c, err := d.in.ReadByte()
		if err != nil {
			return b, err
		}
		if c == '\n' {
			d.line++
		}
		b = append(b, c)
		if escapes && c == '\\' {
			if c, err = d.in.ReadByte(); err != nil {
				return b, err
			}
			b = append(b, c)
			continue
		}
		if c == end[len(end)-1] && len(b)-start >= len(end) && string(b[len(b)-len(end):]) == end {
			return b, nil
		}
		if len(b) > mostStatement {
			return b, errors.New("too long")
		}
	}
}

// skipComment skips the text between /* and */, which may be nested.
func (d *dump) skipComment() error {
	depth := 1
	_, _ = d.in.ReadByte() // the star
	for last := byte(0); depth > 0; {
		c, err := d.in.ReadByte()
		if err != nil {
			return errors.New("a comment that does not end")
		}
		switch {
		case c == '\n':
			d.line++
		case last == '*' && c == '/':
			depth--
			c = 0
		case last == '/' && c == '*':
			depth++
			c = 0
		}
		last = c
	}
	return nil
}

// readPsqlCommand reads a psql command. The commands that protect a dump do nothing;
// others would leave the database, or this process.
func (d *dump) readPsqlCommand() error {
	b, err := d.readUntil([]byte{'\\'}, "\n", false)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	words := strings.Fields(string(b))
	switch words[0] {
	case `\restrict`, `\unrestrict`, `\echo`, `\.`, `\encoding`:
		return nil
	case `\connect`, `\c`:
		return fmt.Errorf(`%s leaves the rehearsal's database: write the dump without --create (and with pg_dump, not pg_dumpall)`, words[0])
	}
	return fmt.Errorf("%s is a command of psql, and not one that pg_dump writes: restore such a script with psql", words[0])
}

// copyData returns the data of COPY … FROM stdin, up to the line "\.".
func (d *dump) copyData() *copyReader {
	// The statement ended at the semicolon; the data begin on the next line.
	_, _ = d.readUntil(nil, "\n", false)
	return &copyReader{d: d}
}

type copyReader struct {
	d    *dump
	rest []byte
	// middle: rest does not begin at the start of a line.
	middle, done bool
}

func (r *copyReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.done {
			return 0, io.EOF
		}
		line, err := r.d.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			r.done = true
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return 0, errors.New(`the dump ends in the middle of a COPY: "\." is missing`)
			}
		}
		if !r.middle && (string(line) == "\\.\n" || string(line) == "\\.\r\n" || string(line) == `\.`) {
			r.d.line++
			r.done = true
			return 0, io.EOF
		}
		if r.done {
			return 0, errors.New(`the dump ends in the middle of a COPY: "\." is missing`)
		}
		if r.middle = errors.Is(err, bufio.ErrBufferFull); !r.middle {
			r.d.line++
		}
		r.rest = line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// discardRest discards data that the server did not read.
func (r *copyReader) discardRest() error {
	_, err := io.Copy(io.Discard, r)
	return err
}
