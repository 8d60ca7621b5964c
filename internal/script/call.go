package script

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

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
	for _, x := range body {
		if x.Dynamic {
			hidden = append(hidden, x.Hidden+" in "+function+"()")
			continue
		}
		inner = append(inner, buildBodyStatements(like, x)...)
	}
	if len(hidden) > 0 {
		if caller.Opaque != "" {
			hidden = append([]string{caller.Opaque}, hidden...)
		}
		caller.EditRare().Opaque = strings.Join(hidden, ", ")
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
