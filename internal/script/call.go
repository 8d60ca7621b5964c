package script

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Call adds what a function does behind the statement that calls it, the index
// of which is at: the statements of its body, as those of a DO block. They
// stand where the call does.
func (s *Script) Call(at int, function string, body []pgparse.BlockStatement) {
	caller := s.Statements[at]
	parent := at
	if caller.Parent >= 0 {
		parent = caller.Parent
	}
	if caller.Tx == 0 && caller.Parent < 0 {
		// The call is one transaction of its own.
		s.Last++
		caller.Tx = s.Last
	}
	var inner []*Statement
	var hidden []string
	for _, x := range body {
		if x.Dynamic {
			hidden = append(hidden, x.Hidden+" in "+function+"()")
			continue
		}
		file, err := pgparse.Split(x.SQL)
		if err != nil {
			continue
		}
		for _, st := range file.Stmts {
			inner = append(inner, &Statement{
				SQL: x.SQL[st.Start:st.End], Node: st.Node, Err: st.Err, Start: -1, End: -1, Parent: parent, In: function, callers: caller.callers + " " + function + " ", part: caller.part,
				Line: caller.Line, Column: caller.Column, EndLine: caller.EndLine, EndColumn: caller.EndColumn,
				ErrLine: caller.Line, ErrColumn: caller.Column,
				Tx: caller.Tx, Origin: caller.Origin, Conditional: caller.Conditional || x.Conditional, Loop: caller.Loop || x.Loop,
				Operation: caller.Operation,
			})
		}
	}
	if len(hidden) > 0 {
		caller.Opaque = strings.Join(hidden, ", ")
	}
	if len(inner) > 0 {
		s.insert(at+1, inner)
	}
}

// Inside reports whether a statement stands in the body of a function, or in one
// that it calls.
func (s *Statement) Inside(function string) bool {
	return strings.Contains(s.callers, " "+function+" ")
}

// insert puts statements in front of the one with index at, and counts anew.
func (s *Script) insert(at int, list []*Statement) {
	moved := func(i int) int {
		if i >= at {
			return i + len(list)
		}
		return i
	}
	for _, x := range s.Statements[at:] {
		x.Parent = moved(x.Parent)
	}
	for i := range s.Controls {
		s.Controls[i].Statement = moved(s.Controls[i].Statement)
	}
	s.Statements = append(s.Statements[:at:at], append(list, s.Statements[at:]...)...)
	for i := at; i < len(s.Statements); i++ {
		s.Statements[i].Index = i
	}
}
