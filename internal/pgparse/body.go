package pgparse

import "strings"

// Body is the content of a PL/pgSQL function's body: its queries and expressions,
// recognized by keywords. Unlike [ParseBlock], which runs Postgres' own parser, it needs
// to know nothing of types and variables, and it reads as much as it can of a faulty
// body.
type Body struct {
	Parts []Part
	// Variables are the declared ones with their types as written, by name.
	Variables map[string]string
}

// Part is a query or an expression in a body.
type Part struct {
	// Text is the part as written, and Offset its place in the body.
	Text   string
	Offset int
	// SQL is a statement that the grammar can read: a query without PL/pgSQL's INTO, or
	// an expression after SELECT.
	SQL string
	// Into are the variables, or fields of records, that receive the result.
	Into []string
	// Maybe: a call of the function may not reach this part. Caught: the block has a
	// handler for names that do not exist.
	Maybe, Caught bool
}

// maxBody is how much of a function's body is read, in bytes.
const maxBody = 256 << 10

// ReadBody reads the body of a PL/pgSQL function. Parts beyond the limits are skipped.
func ReadBody(text string) *Body {
	text = text[:min(len(text), maxBody)]
	b := &bodyReader{text: text, words: splitWords(text), body: &Body{Variables: map[string]string{}}}
	for b.at < len(b.words) && len(b.open) <= maxNesting {
		before := b.at
		b.readStatement()
		b.at = max(b.at, before+1)
	}
	for len(b.open) > 0 {
		b.closeBlock()
	}
	return b.body
}

// bodyReader reads the statements of a body.
type bodyReader struct {
	text  string
	words []word
	at    int
	body  *Body
	open  []openBlock
	left  bool // the function may have been left before
}

// openBlock is a block, branch or loop that has not ended yet.
type openBlock struct {
	kind     byte // 'b' block, 'i' IF, 'c' CASE, 'l' loop
	first    int  // the first part in it
	handlers int  // the first part of its handlers; -1 while there are none
	catches  bool
}

// keywordAt returns the keyword or unquoted name at a token, in lower case; "" for anything
// else.
func (b *bodyReader) keywordAt(i int) string {
	if i < 0 || i >= len(b.words) || b.words[i].kind != 'w' {
		return ""
	}
	return strings.ToLower(b.text[b.words[i].start:b.words[i].end])
}

func (b *bodyReader) kindAt(i int) byte {
	if i < 0 || i >= len(b.words) {
		return 0
	}
	return b.words[i].kind
}

// findKeyword returns the first token from i on that is one of the keywords, or the end of the
// statement. It skips brackets and CASE … END.
func (b *bodyReader) findKeyword(i int, keys ...string) int {
	brackets, cases := 0, 0
	for ; i < len(b.words); i++ {
		switch k := b.words[i].kind; {
		case k == '(' || k == '[':
			brackets++
		case k == ')' || k == ']':
			brackets--
		case k == ';' && brackets <= 0:
			return i
		case k == 'w' && brackets <= 0:
			w := b.keywordAt(i)
			if cases == 0 {
				for _, key := range keys {
					if w == key {
						return i
					}
				}
			}
			switch {
			case w == "case":
				cases++
			case w == "end" && cases > 0:
				cases--
			}
		}
	}
	return i
}

// spanText returns the text of the tokens [i, j).
func (b *bodyReader) spanText(i, j int) string {
	if i >= j || i >= len(b.words) {
		return ""
	}
	return b.text[b.words[i].start:b.words[min(j, len(b.words))-1].end]
}

// readStatement reads the statement that begins at the current token.
func (b *bodyReader) readStatement() {
	i := b.at
	switch b.keywordAt(i) {
	case "":
		b.skipUnnamed()
	case "declare":
		b.readDeclarations()
	case "begin":
		b.pushBlock('b')
		b.at++
	case "end":
		b.closeBlock()
		b.at = b.findKeyword(i+1) + 1
	case "exception":
		if n := len(b.open); n > 0 && b.open[n-1].kind == 'b' {
			b.open[n-1].handlers = len(b.body.Parts)
		}
		b.at++
	case "when":
		b.readBranch()
	case "else", "loop":
		if b.keywordAt(i) == "loop" {
			b.pushBlock('l')
		}
		b.at++
	case "if":
		j := b.findKeyword(i+1, "then")
		b.addExpression(i+1, j)
		b.pushBlock('i')
		b.at = j + 1
	case "elsif", "elseif":
		j := b.findKeyword(i+1, "then")
		b.addExpression(i+1, j)
		b.at = j + 1
	case "case":
		j := b.findKeyword(i+1, "when")
		b.addExpression(i+1, j)
		b.pushBlock('c')
		b.at = j
	case "while":
		j := b.findKeyword(i+1, "loop")
		b.addExpression(i+1, j)
		b.pushBlock('l')
		b.at = j + 1
	case "for", "foreach":
		b.readLoopHead()
	default:
		j := b.findKeyword(i)
		b.readSimpleStatement(i, j)
		b.at = j + 1
	}
}

// skipUnnamed skips a label, a compiler option, or anything else that does not begin with a
// keyword, such as an assignment to a quoted name.
func (b *bodyReader) skipUnnamed() {
	i := b.at
	switch b.kindAt(i) {
	case '<':
		for i < len(b.words) && b.kindAt(i) != '>' {
			i++
		}
		b.at = i + 2
	case '#':
		b.at = i + 3
	case 'q':
		j := b.findKeyword(i)
		b.readAssignment(i, j)
		b.at = j + 1
	default:
		b.at++
	}
}

func (b *bodyReader) pushBlock(kind byte) {
	b.open = append(b.open, openBlock{kind: kind, first: len(b.body.Parts), handlers: -1})
}

// closeBlock closes the innermost open block, branch or loop.
func (b *bodyReader) closeBlock() {
	n := len(b.open) - 1
	if n < 0 {
		return
	}
	o := b.open[n]
	b.open = b.open[:n]
	if o.catches {
		for i := o.first; i < o.handlers; i++ {
			b.body.Parts[i].Caught = true
		}
	}
}

// mayBeSkipped reports whether a call may not reach the current statement.
func (b *bodyReader) mayBeSkipped() bool {
	if b.left {
		return true
	}
	for _, o := range b.open {
		if o.kind != 'b' || o.handlers >= 0 {
			return true
		}
	}
	return false
}

// readBranch reads a branch of CASE, or a handler of a block.
func (b *bodyReader) readBranch() {
	i := b.at
	j := b.findKeyword(i+1, "then")
	b.at = j + 1
	n := len(b.open) - 1
	if n < 0 || b.open[n].kind != 'b' {
		b.addExpression(i+1, j)
		return
	}
	for k := i + 1; k < j; k++ {
		switch b.keywordAt(k) {
		case "others", "undefined_column", "undefined_table", "syntax_error_or_access_rule_violation":
			b.open[n].catches = true
		}
	}
}

// readLoopHead reads the head of FOR and FOREACH.
func (b *bodyReader) readLoopHead() {
	head := b.at + 1
	in := b.findKeyword(head, "in", "loop")
	from, j := in+1, b.findKeyword(in, "loop")
	b.at = j + 1
	defer b.pushBlock('l')
	switch b.keywordAt(from) {
	case "array":
		b.addExpression(from+1, j)
		return
	case "reverse":
		from++
	case "execute":
		b.readExecute(from, j)
		return
	}
	for k := from; k+1 < j; k++ {
		if b.kindAt(k) == '.' && b.kindAt(k+1) == '.' {
			b.addExpression(from, k)
			byKeyword := min(b.findKeyword(k, "by"), j)
			b.addExpression(k+2, byKeyword)
			b.addExpression(byKeyword+1, j)
			return
		}
	}
	if b.kindAt(from) == '(' || queries[b.keywordAt(from)] {
		var targets []string
		b.readTargets(head, in, &targets)
		b.addPart(b.spanText(from, j), from, j, targets)
	}
}
