package pgparse

import (
	"fmt"
	"math"
)

// SplitBy cuts a source into statements as a reader of it does.
func SplitBy(src string, reader Reader) (*File, error) {
	x, err := NewSplitter(src, reader)
	if err != nil {
		return nil, err
	}
	f := &File{Stmts: x.Next(math.MaxInt)}
	f.Src, f.Strings = x.Source(), x.session.nextStrings()
	return f, nil
}

// Splitter cuts a source into statements, some at a time: a syntax tree takes many times its text.
type Splitter struct {
	text    string
	scanner *scanner
	session *session
	written []byte // the text, if it differs from the source
	ended   bool
	file    File // the statements that Next has not returned
}

// NewSplitter prepares a source to be cut as a reader of it does. The only error is ErrTooLarge.
func NewSplitter(src string, reader Reader) (*Splitter, error) {
	if len(src) > MaxSize {
		return nil, fmt.Errorf("%w: %d MB, up to %d MB are read", ErrTooLarge, len(src)>>20, MaxSize>>20)
	}
	text := cleanText(src)
	x := &Splitter{text: text, scanner: newScanner(text, reader), session: newSession(reader), file: File{Src: src}}
	x.file.Stmts = make([]Stmt, 0, cap(x.scanner.pieces))
	return x, nil
}

// CountStatements counts the statements of a source without parsing them, up to a number.
func CountStatements(src string, most int) int {
	s, n := newScanner(src, Reader{}), 0
	for s.pos < len(src) && n < most {
		s.scanToken()
		n, s.pieces = n+len(s.pieces), s.pieces[:0]
	}
	s.endPiece()
	return min(n+len(s.pieces), most)
}

// Next returns the next statements, most of them at once or a few more. None: the source is at its end.
func (x *Splitter) Next(most int) []Stmt {
	for !x.ended && len(x.file.Stmts) < most {
		x.readPiece()
	}
	out := x.file.Stmts
	x.file.Stmts = nil
	return out
}

// Source is the source, with its strings written as [File.Src] describes as far as it was read.
func (x *Splitter) Source() string {
	if x.written != nil {
		return string(x.written)
	}
	return x.file.Src
}

// SQL is the text of a statement that Next returned.
func (x *Splitter) SQL(st *Stmt) string {
	if x.written != nil {
		return string(x.written[st.Start:st.End])
	}
	return x.file.Src[st.Start:st.End]
}

// Strings is how strings end after the statements that were read.
func (x *Splitter) Strings() Strings { return x.session.nextStrings() }

// readPiece reads up to the end of a statement, or of the message that it is a part of.
func (x *Splitter) readPiece() {
	s, text := x.scanner, x.text
	for s.pos < len(text) && len(s.pieces) == 0 && !s.sent {
		s.scanToken()
	}
	if s.sent = false; s.pos >= len(text) {
		s.endMessage()
	}
	for _, p := range s.pieces {
		x.parsePiece(p)
	}
	s.pieces = s.pieces[:0]
	if !s.unsent && !s.by.Message {
		s.by.Strings = x.session.now
	}
	x.ended = s.pos >= len(text) && s.start < 0
}

// parsePiece parses a piece of the source, and follows what it makes of the session.
func (x *Splitter) parsePiece(p piece) {
	s, from := x.scanner, len(x.file.Stmts)
	sql := x.text[p.start:p.end]
	if p.plain = p.plain || s.by.Strings.Off && isDoBlock(sql); p.plain {
		if x.written == nil {
			x.written = []byte(x.text)
		}
		writeStandardStrings(x.written, s.plain)
		writeStandardStrings(x.written, listBodyStrings(string(x.written[p.start:p.end]), p.start))
		sql, s.plain = string(x.written[p.start:p.end]), s.plain[:0]
	}
	x.file.parsePiece(sql, p)
	for i := range x.file.Stmts[from:] {
		st := &x.file.Stmts[from+i]
		st.Strings = s.by.Strings
		text := x.text[st.Start:st.End]
		if x.written != nil {
			text = string(x.written[st.Start:st.End])
		}
		x.session.applyStatement(st, text)
	}
}
