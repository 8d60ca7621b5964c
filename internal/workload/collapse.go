package workload

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// frame is an open bracket.
type frame struct {
	kind byte // 0, or one of the kinds below
	// start is the first token of the element at hand; kept are the elements that stay.
	start int
	kept  []span
	rows  []span // the rows of VALUES that ended last at this level
	last  int    // where they ended
}

// span is a range of tokens; to is behind its last.
type span struct{ from, to int }

const (
	frameList byte = iota + 1 // of IN, or of ANY (ARRAY[…])
	frameRow                  // of VALUES
)

// mostShapes bounds the elements that one is compared with.
const mostShapes = 16

// collapse leaves out the elements of lists, and the rows of VALUES, that have the shape
// of an earlier one: so many values are no other query.
func (t *text) collapse() {
	t.open = append(t.open[:0], frame{last: -1})
	for i := range t.toks {
		if t.toks[i].kind != pgparse.LexemeOther {
			continue
		}
		top := &t.open[len(t.open)-1]
		switch t.sql[t.toks[i].start] {
		case '(', '[':
			t.open = append(t.open, frame{kind: t.opens(i, top), start: i + 1, last: -1})
		case ',':
			if top.kind == frameList {
				top.kept = t.element(top.kept, span{top.start, i})
				top.start = i + 1
			}
		case ')', ']':
			if len(t.open) > 1 {
				t.closes(i, *top)
			}
		}
	}
}

// opens is the kind of the frame that a bracket opens.
func (t *text) opens(i int, in *frame) byte {
	switch {
	case t.is(i, '['):
		if t.word(i-1, "ARRAY") && t.is(i-2, '(') && t.word(i-3, "ANY", "ALL", "SOME") {
			return frameList
		}
	case t.word(i-1, "IN") && !t.word(i+1, "SELECT", "WITH", "VALUES", "TABLE"):
		return frameList
	case t.word(i-1, "VALUES"):
		in.rows = nil
		return frameRow
	case t.is(i-1, ',') && in.rows != nil && in.last == i-2:
		return frameRow
	}
	return 0
}

func (t *text) closes(i int, f frame) {
	t.open = t.open[:len(t.open)-1]
	switch f.kind {
	case frameList:
		if i > f.start {
			t.element(f.kept, span{f.start, i})
		}
	case frameRow:
		in := &t.open[len(t.open)-1]
		in.rows = t.element(in.rows, span{f.start - 1, i + 1})
		in.last = i
	}
}

// element leaves an element out, with the comma before it, where one of its shape stays.
func (t *text) element(kept []span, s span) []span {
	for _, k := range kept[:min(len(kept), mostShapes)] {
		if !t.alike(k, s, false) {
			continue
		}
		t.alike(k, s, true)
		for i := s.from - 1; i < s.to; i++ {
			t.toks[i].drop = true
		}
		return kept
	}
	return append(kept, s)
}

// alike reports whether two ranges are the same but for their values. With take, the
// first has the values of the second where they tell more of the type.
func (t *text) alike(a, b span, take bool) bool {
	i, j := a.from, b.from
	for {
		for i < a.to && t.toks[i].drop {
			i++
		}
		for j < b.to && t.toks[j].drop {
			j++
		}
		if i >= a.to || j >= b.to {
			return i >= a.to && j >= b.to
		}
		switch one, other := t.rank(i), t.rank(j); {
		case one > 0 && other > 0:
			if take && other > one {
				t.toks[i].pick = t.toks[j].pick
			}
		case one > 0 || other > 0 || t.toks[i].kind != t.toks[j].kind:
			return false
		case !strings.EqualFold(t.of(i), t.of(j)) || t.toks[i].kind != pgparse.LexemeWord && t.of(i) != t.of(j):
			return false
		}
		i++
		j++
	}
}

// rank orders values by how much they tell of their type; 0 is no value.
func (t *text) rank(i int) int {
	tok := &t.toks[t.toks[i].pick]
	switch tok.kind {
	case pgparse.LexemeParam:
		return 8
	case pgparse.LexemeNumber:
		if tok.fate == stays {
			return 0
		}
		switch t.literalType(int(t.toks[i].pick)) {
		case "numeric":
			return 7
		case "bigint":
			return 6
		}
		return 5
	case pgparse.LexemeString, pgparse.LexemeBits:
		if tok.fate == stays {
			return 0
		}
		return 4
	case pgparse.LexemeWord:
		switch {
		case t.word(i, "NULL"):
			return 1
		case t.word(i, "TRUE", "FALSE"):
			return 2
		}
	}
	return 0
}
