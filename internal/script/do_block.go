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

// AddCall adds the statements in a function's body after the statement that calls it, whose
// index is given. They are handled like the statements of a DO block, and have the position
// of the call.
func (s *Script) AddCall(index int, function string, body []pgparse.BlockStatement) {
	caller := s.Statements[index]
	parent := index
	if caller.Parent >= 0 {
		parent = caller.Parent
	}
	if caller.Tx == 0 && caller.Parent < 0 {
		// The call is one transaction of its own.
		s.Last++
		caller.Tx = s.Last
	}
	like := Statement{
		Start: -1, End: -1, Parent: parent, part: caller.part,
		Line: caller.Line, Column: caller.Column, EndLine: caller.EndLine, EndColumn: caller.EndColumn,
		ErrLine: caller.Line, ErrColumn: caller.Column,
		Tx: caller.Tx, Origin: caller.Origin, Conditional: caller.Conditional, Loop: caller.Loop,
		Rare: &Rare{In: function, callers: caller.callers + " " + function + " ", Operation: caller.Operation, Beside: caller.Beside},
	}
	var inner []*Statement
	var hidden []string
	exceeded := caller.Exceeded
	for _, x := range body {
		if x.Dynamic {
			hidden, exceeded = append(hidden, x.Hidden+" in "+function+"()"), exceeded || x.Exceeded
			continue
		}
		inner = append(inner, buildBodyStatements(like, x)...)
	}
	if len(hidden) > 0 {
		if caller.Opaque != "" {
			hidden = append([]string{caller.Opaque}, hidden...)
		}
		rare := caller.EditRare()
		rare.Opaque, rare.Exceeded = strings.Join(hidden, ", "), exceeded
	}
	if len(inner) > 0 {
		s.Added += len(inner)
		s.insertAt(index+1, inner)
	}
}

// buildBodyStatements returns the statements of a body. Each is a copy of the given one with its own text,
// and may also be conditional or in a loop.
func buildBodyStatements(like Statement, x pgparse.BlockStatement) []*Statement {
	file, err := pgparse.SplitText(x.SQL)
	if err != nil {
		return nil
	}
	out := make([]*Statement, 0, len(file.Stmts))
	for _, st := range file.Stmts {
		s := like
		s.SQL, s.Node, s.Err = x.SQL[st.Start:st.End], st.Node, st.Err
		s.Conditional, s.Loop = like.Conditional || x.Conditional, like.Loop || x.Loop
		rare := s.EditRare()
		if !like.Conditional && !like.Loop {
			rare.Guard = x.Guard
		}
		rare.Round = x.Round
		if rare.NeedsAt = x.NeedsAt; x.Needs != "" {
			rare.Needs = strings.Split(x.Needs, "\n")
		}
		out = append(out, &s)
	}
	return out
}

// IsInside reports whether a statement is in the body of a function, or in a function that
// it calls.
func (s *Statement) IsInside(function string) bool {
	return strings.Contains(s.callers, " "+function+" ")
}

// insertAt puts statements before the one at index, and adjusts all indexes.
func (s *Script) insertAt(index int, list []*Statement) {
	moved := func(i int) int {
		if i >= index {
			return i + len(list)
		}
		return i
	}
	for _, x := range s.Statements[index:] {
		x.Parent = moved(x.Parent)
	}
	for i := range s.Controls {
		s.Controls[i].Statement = moved(s.Controls[i].Statement)
	}
	s.Statements = append(s.Statements[:index:index], append(list, s.Statements[index:]...)...)
	for i := index; i < len(s.Statements); i++ {
		s.Statements[i].Index = i
	}
}
