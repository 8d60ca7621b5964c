package yoyo

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// step is a call of step("CREATE TABLE a ()", "DROP TABLE a"). at and end are its offsets in the program.
type step struct {
	at, end int
	// up and down are its texts. upUnread and downUnread say why one is not known; "" if it is, or if there is none.
	up, down             *pycode.Text
	upUnread, downUnread string
}

// program is what a migration in Python does.
type program struct {
	steps           []step
	depends         []string
	transactionless bool // __transactional__ = False
	imports         bool // it imports yoyo

	constants *pycode.Constants
}

// stepNames are the functions that make steps.
var stepNames = []string{"step", "group", "transaction"}

// maxNested bounds the lists and groups within each other.
const maxNested = 10

func (p *program) isMigration() bool { return p.imports || len(p.steps) > 0 }

// readProgram reads the steps of a program. Those that are made under a condition, in a loop or by other functions have no known text.
func readProgram(text string) *program {
	p := &program{constants: pycode.NewConstants()}
	inBody := false
	for _, line := range pycode.ReadLines(text) {
		first := line.Tokens[0].Text
		if line.Indent == 0 {
			inBody = slices.Contains([]string{"def", "class", "async", "@"}, first)
		}
		switch {
		case inBody:
		case first == "from" || first == "import":
			p.imports = p.imports || line.HasWord("yoyo")
		case line.Indent > 0 || len(line.Tokens) < 2:
			p.addUnreadLine(line)
		default:
			p.readLine(line)
		}
	}
	return p
}

// addUnreadLine adds a line that makes steps in a way that is not read.
func (p *program) addUnreadLine(line pycode.Line) {
	if line.HasWord(stepNames...) {
		last := line.Tokens[len(line.Tokens)-1]
		const why = "its steps are made under a condition, in a loop, or by another function"
		p.steps = append(p.steps, step{at: line.Tokens[0].Start, end: last.End, upUnread: why, downUnread: why})
	}
}

// readLine reads a line outside of functions and blocks.
func (p *program) readLine(line pycode.Line) {
	tokens := line.Tokens
	if tokens[0].Kind == pycode.Word && tokens[1].Text == "=" && len(tokens) > 2 {
		switch tokens[0].Text {
		case "__depends__":
			p.readDependencies(tokens[2:])
			return
		case "__transactional__":
			p.transactionless = len(tokens) == 3 && tokens[2].Text == "False"
			return
		}
		p.constants.Assign(line)
		tokens = tokens[2:]
	}
	if line.HasWord(stepNames...) && !p.readSteps(tokens, 0) {
		p.addUnreadLine(line)
	}
}

// readDependencies reads the names that a migration depends on.
func (p *program) readDependencies(tokens []pycode.Token) {
	for _, t := range tokens {
		if value, _, ok := t.StringValue(); ok && t.Kind == pycode.Literal {
			p.depends = append(p.depends, value)
		}
	}
}

// readSteps reads an expression that makes steps: a call, or a list of such expressions. It is false for any other.
func (p *program) readSteps(tokens []pycode.Token, nested int) bool {
	if len(tokens) > 2 && tokens[0].Text == "yoyo" && tokens[1].Text == "." {
		tokens = tokens[2:]
	}
	last := len(tokens) - 1
	if last < 1 || nested > maxNested {
		return false
	}
	open := 0
	if tokens[0].Kind == pycode.Word {
		open = 1
	}
	if !slices.Contains([]string{"(", "["}, tokens[open].Text) || pycode.Closing(tokens, open) != last {
		return false
	}
	items := pycode.SplitItems(tokens[open+1 : last])
	switch {
	case open == 1 && tokens[0].Text == "step":
		p.addStep(tokens, items)
		return true
	case open == 1 && !slices.Contains(stepNames, tokens[0].Text):
		return false
	}
	begin := len(p.steps)
	for _, item := range items {
		if len(item) > 2 && item[0].Text == "steps" && item[1].Text == "=" {
			item = item[2:]
		}
		if len(item) > 1 && item[1].Text == "=" {
			continue // ignore_errors
		}
		if len(item) > 0 && !p.readSteps(item, nested+1) {
			p.steps = p.steps[:begin]
			return false
		}
	}
	return true
}

// addStep adds a call of step().
func (p *program) addStep(tokens []pycode.Token, items [][]pycode.Token) {
	s := step{at: tokens[0].Start, end: tokens[len(tokens)-1].End}
	for i, item := range items {
		name := ""
		if len(item) > 2 && item[0].Kind == pycode.Word && item[1].Text == "=" {
			name, item = item[0].Text, item[2:]
		}
		switch {
		case name == "apply" || name == "" && i == 0:
			s.up, s.upUnread = p.readText(item)
		case name == "rollback" || name == "" && i == 1:
			s.down, s.downUnread = p.readText(item)
		}
	}
	p.steps = append(p.steps, s)
}

// readText returns the text of an argument; nil if it has none, or why it is not known.
func (p *program) readText(tokens []pycode.Token) (text *pycode.Text, unread string) {
	if len(tokens) == 1 && tokens[0].Text == "None" || len(tokens) == 0 {
		return nil, ""
	}
	value, ok := p.constants.Eval(tokens)
	switch {
	case ok && strings.TrimSpace(value.Value) == "":
		return nil, ""
	case ok:
		return &value, ""
	case len(tokens) == 1 && tokens[0].Kind == pycode.Word:
		return nil, "the function " + tokens[0].Text + " runs it, and may do more"
	}
	return nil, "its text is put together when it runs"
}

// addSteps adds the statements of a program's steps.
func (m *migration) addSteps(p *program) {
	m.Source.LineComment = "#"
	places := newPlaces(m.Source.Text)
	unread, end := false, 0
	for i := range p.steps {
		s := &p.steps[i]
		if s.upUnread != "" {
			line, column := places.position(s.at)
			m.Opaque = append(m.Opaque, onward.Opaque{Migration: m.ID, Path: m.Path, Line: line, Column: column, What: "a step", Why: s.upUnread})
			unread = true
		}
		if s.up != nil {
			part := places.makePart(s, s.up)
			if part.Start < end { // a constant that was used before
				part.Start = -1
			}
			end = max(end, part.Start+len(part.SQL))
			part.AfterUnread = unread
			m.Source.Parts = append(m.Source.Parts, part)
		}
	}
	if len(p.steps) == 0 {
		m.Opaque = append(m.Opaque, onward.Opaque{Migration: m.ID, Path: m.Path, What: "a program", Why: "no call of step() was found in it"})
	}
}

// readDownSteps returns what undoes a program's steps; nil if one of them is not known, or if there is none.
func readDownSteps(m *adapter.Migration) *script.Source {
	out := &script.Source{Text: m.Source.Text, LineComment: "#", Mode: m.Source.Mode}
	places := newPlaces(m.Source.Text)
	for _, s := range slices.Backward(readProgram(m.Source.Text).steps) {
		switch {
		case s.downUnread != "":
			return nil
		case s.down != nil:
			part := places.makePart(&s, s.down)
			part.Start = -1 // parts go backward in the file
			out.Parts = append(out.Parts, part)
		}
	}
	if len(out.Parts) == 0 {
		return nil
	}
	return out
}

// places finds lines of a text.
type places struct{ starts []int }

func newPlaces(text string) *places {
	p := &places{starts: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			p.starts = append(p.starts, i+1)
		}
	}
	return p
}

// position returns the line and column of an offset, from 1.
func (p *places) position(offset int) (line, column int) {
	i, ok := slices.BinarySearch(p.starts, offset)
	if !ok {
		i--
	}
	return i + 1, offset - p.starts[i] + 1
}

// makePart returns one text of a step as a message.
func (p *places) makePart(s *step, text *pycode.Text) script.Part {
	part := script.Part{SQL: text.Value, Start: text.Start, Message: true}
	part.Line, part.Column = p.position(s.at)
	part.EndLine, part.EndColumn = p.position(s.end)
	return part
}
