package script

import (
	"errors"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/pgparse"
)

// openDoBlock adds the statements inside a DO block.
func (b builder) openDoBlock(s *Statement) {
	doStmt := s.Node.GetDoStmt()
	if doStmt == nil || acl.SetsPrivileges(s.SQL) {
		return
	}
	body, language, offset := "", "plpgsql", -1
	for _, arg := range doStmt.Args {
		def := arg.GetDefElem()
		switch def.GetDefname() {
		case "as":
			body = def.GetArg().GetString_().GetSval()
			offset = int(def.GetLocation())
		case "language":
			language = strings.ToLower(def.GetArg().GetString_().GetSval())
		}
	}
	if language != "plpgsql" {
		s.EditRare().Opaque = "DO block in " + language
		return
	}
	block, err := pgparse.ParseBlock(s.SQL)
	var wrong *pgparse.SyntaxError
	if errors.As(err, &wrong) {
		s.Node, s.Err = nil, &pgparse.SyntaxError{Message: "the DO block cannot be read: " + err.Error()}
		return
	}
	if err != nil {
		s.EditRare().Opaque = "DO block that could not be read: " + err.Error()
		return
	}
	start := findBodyStart(s.SQL, offset, body)
	if s.Start >= 0 && start >= 0 {
		from := s.Start + start
		b.bodies = append(b.bodies, pgparse.Comment{Start: from, End: from + len(body)})
	}
	like := s.newInner()
	rare := s.EditRare()
	rare.Expressions, rare.Conditions = block.Expressions, block.Conditions
	var lines *pgparse.Lines
	if s.Start >= 0 && start >= 0 {
		lines = pgparse.NewLines(body)
	}
	var hidden []string
	for _, inner := range block.Statements {
		if inner.Dynamic {
			hidden = append(hidden, inner.Hidden)
			continue
		}
		for _, in := range buildBodyStatements(like, inner) {
			if lines != nil {
				b.placeInner(in, s, start, inner, body, lines)
			}
			b.addStatement(in)
		}
	}
	if len(hidden) > 0 {
		rare.Opaque = strings.Join(hidden, ", ")
	}
}

// newInner returns a statement inside a block, with the block's place.
func (s *Statement) newInner() Statement {
	return Statement{
		Parent: s.Index, Start: -1, End: -1, Line: s.Line, Column: s.Column, EndLine: s.EndLine, EndColumn: s.EndColumn,
		Conditional: s.Conditional, Loop: s.Loop, Rare: &plain,
	}
}

// placeInner finds the position in the file of a statement in a block: PL/pgSQL reports
// the statement's line in the body.
func (b builder) placeInner(in, doBlock *Statement, bodyAt int, inner pgparse.BlockStatement, body string, lines *pgparse.Lines) {
	if inner.Line < 1 || inner.Line > lines.CountLines() {
		return
	}
	offset := lines.LineStart(inner.Line)
	line := body[offset:lines.LineStart(inner.Line+1)]
	head := inner.SQL
	if i := strings.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	lineOffset := strings.Index(body[offset:], head)
	if lineOffset < 0 {
		lineOffset = len(line) - len(strings.TrimLeft(line, " \t"))
	}
	in.Start = doBlock.Start + bodyAt + offset + lineOffset
	in.End = min(in.Start+len(in.SQL), doBlock.End)
	in.Line, in.Column = b.lines.Position(in.Start)
	in.EndLine, in.EndColumn = b.lines.Position(in.End)
}

// findBodyStart returns the offset of the block's body in the statement, -1 if the body is
// written with escapes, so that the text differs.
func findBodyStart(sql string, offset int, body string) int {
	if offset < 0 || offset > len(sql) {
		offset = 0
	}
	if i := strings.Index(sql[offset:], body); i >= 0 {
		return offset + i
	}
	return -1
}
