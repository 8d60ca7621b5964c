package fill

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// mostStatement bounds a statement of a dump: function bodies and INSERTs of
// many rows are long, but no dump has one of this length.
const mostStatement = 256 << 20

// dump cuts a plain dump into statements without holding more than one.
type dump struct {
	in   *bufio.Reader
	line int
}

var (
	dollar    = regexp.MustCompile(`\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$$`)
	bodyBegin = regexp.MustCompile(`(?i)\bBEGIN\s+ATOMIC\b`)
)

// next is the next statement and the line on which it begins. The commands of
// psql that pg_dump writes around the statements are left out.
func (d *dump) next() (string, int, error) {
	var b []byte
	begin := d.line
	depth := 0 // of brackets
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
				if err := d.command(); err != nil {
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
			if _, err := d.until(nil, "\n", false); err != nil && !errors.Is(err, io.EOF) {
				return "", begin, err
			}
			if len(b) > 0 {
				b = append(b, '\n')
			}
		case c == '/' && follows == '*':
			if err := d.comment(); err != nil {
				return "", begin, err
			}
			if len(b) > 0 {
				b = append(b, ' ')
			}
		case c == '\'':
			// E'…' has backslashes.
			escapes := len(b) > 0 && (b[len(b)-1] == 'E' || b[len(b)-1] == 'e') && (len(b) == 1 || !wordByte(b[len(b)-2]))
			b = append(b, c)
			if b, err = d.until(b, "'", escapes); err != nil {
				return "", begin, errors.New("a string that does not end")
			}
		case c == '"':
			b = append(b, c)
			if b, err = d.until(b, `"`, false); err != nil {
				return "", begin, errors.New("a quoted name that does not end")
			}
		case c == '$':
			b = append(b, c)
			if tag := dollar.Find(b[max(0, len(b)-80):]); tag != nil && (len(b) == len(tag) || !wordByte(b[len(b)-len(tag)-1])) {
				if b, err = d.until(b, string(tag), false); err != nil {
					return "", begin, errors.New("a dollar quoted string that does not end")
				}
			}
		case c == ';' && depth <= 0 && !inBody(b):
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

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

var (
	createRoutine = regexp.MustCompile(`(?is)^\s*CREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE)\b`)
	bodyEnd       = regexp.MustCompile(`(?i)\bEND\s*$`)
	bodyCase      = regexp.MustCompile(`(?i)\b(CASE|END)\b`)
)

// inBody reports whether a semicolon here is one inside BEGIN ATOMIC … END.
func inBody(b []byte) bool {
	if !createRoutine.Match(b[:min(len(b), 100)]) {
		return false
	}
	at := bodyBegin.FindIndex(b)
	if at == nil {
		return false
	}
	if !bodyEnd.Match(b) {
		return true
	}
	depth := 0 // of CASE, which also ends with END
	for _, w := range bodyCase.FindAll(b[at[1]:], -1) {
		if len(w) == 4 {
			depth++
		} else {
			depth--
		}
	}
	return depth >= 0
}

// until appends what is read up to and with an end. With escapes a backslash
// takes the next character with it.
func (d *dump) until(b []byte, end string, escapes bool) ([]byte, error) {
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

// comment skips what is between /* and */, which may be nested.
func (d *dump) comment() error {
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

// command reads a command of psql. Those that guard a dump do nothing; others
// would leave the database, or this process.
func (d *dump) command() error {
	b, err := d.until([]byte{'\\'}, "\n", false)
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

// copyData is the data of COPY … FROM stdin, to the line "\.".
func (d *dump) copyData() *copyReader {
	// The statement ended at the semicolon; the data begin on the next line.
	_, _ = d.until(nil, "\n", false)
	return &copyReader{d: d}
}

type copyReader struct {
	d    *dump
	rest []byte
	// middle: rest did not begin a line.
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

// skip reads what the server did not want to see.
func (r *copyReader) skip() error {
	_, err := io.Copy(io.Discard, r)
	return err
}
