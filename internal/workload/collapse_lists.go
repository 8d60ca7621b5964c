package workload

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// frame is an open bracket or parenthesis.
type frame struct {
	kind byte // 0, or one of the kinds below
	// start is the first token of the current element; kept lists the elements that stay.
	start     int
	keptSpans []span
	rows      []span // the rows of VALUES that ended last at this level
	last      int    // the token after them
}

// span is a range of tokens; to is exclusive.
type span struct{ from, to int }

const (
	frameList byte = iota + 1 // of IN, or of ANY (ARRAY[…])
	frameRow                  // of VALUES
)

// mostShapes limits how many kept elements an element is compared with.
const mostShapes = 16

// collapseLists removes elements of lists, and rows of VALUES, that have the same shape as an
// earlier one. So the number of values does not make a different query.
func (t *text) collapseLists() {
	t.open = append(t.open[:0], frame{last: -1})
	for i := range t.toks {
		if t.toks[i].kind != pgparse.LexemeOther {
			continue
		}
		top := &t.open[len(t.open)-1]
		switch t.sql[t.toks[i].start] {
		case '(', '[':
			t.open = append(t.open, frame{kind: t.frameKind(i, top), start: i + 1, last: -1})
		case ',':
			if top.kind == frameList {
				top.keptSpans = t.dropRepeatedElement(top.keptSpans, span{top.start, i})
				top.start = i + 1
			}
		case ')', ']':
			if len(t.open) > 1 {
				t.closeFrame(i, *top)
			}
		}
	}
}

// frameKind returns the kind of frame that a bracket opens.
func (t *text) frameKind(i int, in *frame) byte {
	switch {
	case t.isByte(i, '['):
		if t.isKeyword(i-1, "ARRAY") && t.isByte(i-2, '(') && t.isKeyword(i-3, "ANY", "ALL", "SOME") {
			return frameList
		}
	case t.isKeyword(i-1, "IN") && !t.isKeyword(i+1, "SELECT", "WITH", "VALUES", "TABLE"):
		return frameList
	case t.isKeyword(i-1, "VALUES"):
		in.rows = nil
		return frameRow
	case t.isByte(i-1, ',') && in.rows != nil && in.last == i-2:
		return frameRow
	}
	return 0
}

func (t *text) closeFrame(i int, f frame) {
	t.open = t.open[:len(t.open)-1]
	switch f.kind {
	case frameList:
		if i > f.start {
			t.dropRepeatedElement(f.keptSpans, span{f.start, i})
		}
	case frameRow:
		in := &t.open[len(t.open)-1]
		in.rows = t.dropRepeatedElement(in.rows, span{f.start - 1, i + 1})
		in.last = i
	}
}

// dropRepeatedElement removes an element, with the comma before it, if an element of the same shape
// is kept.
func (t *text) dropRepeatedElement(distinctSpans []span, s span) []span {
	for _, k := range distinctSpans[:min(len(distinctSpans), mostShapes)] {
		if !t.haveSameShape(k, s, false) {
			continue
		}
		t.haveSameShape(k, s, true)
		for i := s.from - 1; i < s.to; i++ {
			t.toks[i].drop = true
		}
		return distinctSpans
	}
	return append(distinctSpans, s)
}

// haveSameShape reports whether two ranges are equal except for their values. With take, the
// first range gets the values of the second that reveal more about the type.
func (t *text) haveSameShape(a, b span, take bool) bool {
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
		switch rank, other := t.rankValue(i), t.rankValue(j); {
		case rank > 0 && other > 0:
			if take && t.also != nil {
				t.also[i] = append(t.also[i], j)
			}
			if take && other > rank {
				t.toks[i].pick = t.toks[j].pick
			}
		case rank > 0 || other > 0 || t.toks[i].kind != t.toks[j].kind:
			return false
		case !strings.EqualFold(t.tokenText(i), t.tokenText(j)) || t.toks[i].kind != pgparse.LexemeWord && t.tokenText(i) != t.tokenText(j):
			return false
		}
		i++
		j++
	}
}

// rankValue orders values by how much they reveal about their type; 0 is no value.
func (t *text) rankValue(i int) int {
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
		case t.isKeyword(i, "NULL"):
			return 1
		case t.isKeyword(i, "TRUE", "FALSE"):
			return 2
		}
	}
	return 0
}
