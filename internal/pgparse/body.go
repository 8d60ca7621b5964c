package pgparse

import "strings"

// Body is what stands in the body of a function in PL/pgSQL: its queries and
// expressions, judging by its words. Unlike [ParseBlock], which runs
// Postgres' own parser, it needs to know nothing of types and variables, and
// reads what it can of a body that has a mistake.
type Body struct {
	Parts []Part
	// Variables are the declared ones with their types as written, by name.
	Variables map[string]string
}

// Part is a query or an expression in a body.
type Part struct {
	// Text is how it is written, and Offset where in the body.
	Text   string
	Offset int
	// SQL is a statement that the grammar reads: a query without the INTO of
	// PL/pgSQL, an expression behind SELECT.
	SQL string
	// Into are the variables, or fields of records, that take what it gives.
	Into []string
	// Maybe: a call of the function may not come here. Caught: the block has a
	// handler for names that do not exist.
	Maybe, Caught bool
}

// maxBody bounds the body of a function that is read.
const maxBody = 256 << 10

// ReadBody reads the body of a function in PL/pgSQL. What is out of bounds is
// left out.
func ReadBody(text string) *Body {
	text = text[:min(len(text), maxBody)]
	b := &bodyReader{text: text, words: wordsOf(text), body: &Body{Variables: map[string]string{}}}
	for b.at < len(b.words) && len(b.open) <= maxNesting {
		before := b.at
		b.statement()
		b.at = max(b.at, before+1)
	}
	for len(b.open) > 0 {
		b.end()
	}
	return b.body
}

// bodyReader goes through the statements of a body.
type bodyReader struct {
	text  string
	words []word
	at    int
	body  *Body
	open  []opened
	left  bool // the function may have been left before
}

// opened is a block, branch or loop that is not at its end.
type opened struct {
	kind     byte // 'b' block, 'i' IF, 'c' CASE, 'l' loop
	first    int  // the first part in it
	handlers int  // the first part of its handlers; -1 while there are none
	catches  bool
}

// key is the keyword or plain name at a token, in lower case; "" for anything
// else.
func (b *bodyReader) key(i int) string {
	if i < 0 || i >= len(b.words) || b.words[i].kind != 'w' {
		return ""
	}
	return strings.ToLower(b.text[b.words[i].start:b.words[i].end])
}

func (b *bodyReader) kind(i int) byte {
	if i < 0 || i >= len(b.words) {
		return 0
	}
	return b.words[i].kind
}

// until is the first token from i on that is one of the keywords, or the end of
// the statement. What stands in brackets and in CASE … END does not count.
func (b *bodyReader) until(i int, keys ...string) int {
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
			w := b.key(i)
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

// span is the text of the tokens [i, j).
func (b *bodyReader) span(i, j int) string {
	if i >= j || i >= len(b.words) {
		return ""
	}
	return b.text[b.words[i].start:b.words[min(j, len(b.words))-1].end]
}

// statement reads what begins at a token.
func (b *bodyReader) statement() {
	i := b.at
	switch b.key(i) {
	case "":
		b.unnamed()
	case "declare":
		b.declare()
	case "begin":
		b.push('b')
		b.at++
	case "end":
		b.end()
		b.at = b.until(i+1) + 1
	case "exception":
		if n := len(b.open); n > 0 && b.open[n-1].kind == 'b' {
			b.open[n-1].handlers = len(b.body.Parts)
		}
		b.at++
	case "when":
		b.when()
	case "else", "loop":
		if b.key(i) == "loop" {
			b.push('l')
		}
		b.at++
	case "if":
		j := b.until(i+1, "then")
		b.expression(i+1, j)
		b.push('i')
		b.at = j + 1
	case "elsif", "elseif":
		j := b.until(i+1, "then")
		b.expression(i+1, j)
		b.at = j + 1
	case "case":
		j := b.until(i+1, "when")
		b.expression(i+1, j)
		b.push('c')
		b.at = j
	case "while":
		j := b.until(i+1, "loop")
		b.expression(i+1, j)
		b.push('l')
		b.at = j + 1
	case "for", "foreach":
		b.loop()
	default:
		j := b.until(i)
		b.simple(i, j)
		b.at = j + 1
	}
}

// unnamed passes over a label, a compiler option, or whatever else does not
// begin with a keyword: an assignment to a quoted name.
func (b *bodyReader) unnamed() {
	i := b.at
	switch b.kind(i) {
	case '<':
		for i < len(b.words) && b.kind(i) != '>' {
			i++
		}
		b.at = i + 2
	case '#':
		b.at = i + 3
	case 'q':
		j := b.until(i)
		b.assignment(i, j)
		b.at = j + 1
	default:
		b.at++
	}
}

func (b *bodyReader) push(kind byte) {
	b.open = append(b.open, opened{kind: kind, first: len(b.body.Parts), handlers: -1})
}

// end closes what was opened last.
func (b *bodyReader) end() {
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

// maybe reports whether a call may not come to the statement in question.
func (b *bodyReader) maybe() bool {
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

// when reads a branch of CASE, or a handler of a block.
func (b *bodyReader) when() {
	i := b.at
	j := b.until(i+1, "then")
	b.at = j + 1
	n := len(b.open) - 1
	if n < 0 || b.open[n].kind != 'b' {
		b.expression(i+1, j)
		return
	}
	for k := i + 1; k < j; k++ {
		switch b.key(k) {
		case "others", "undefined_column", "undefined_table", "syntax_error_or_access_rule_violation":
			b.open[n].catches = true
		}
	}
}

// loop reads the head of FOR and FOREACH.
func (b *bodyReader) loop() {
	head := b.at + 1
	in := b.until(head, "in", "loop")
	from, j := in+1, b.until(in, "loop")
	b.at = j + 1
	defer b.push('l')
	switch b.key(from) {
	case "array":
		b.expression(from+1, j)
		return
	case "reverse":
		from++
	case "execute":
		b.execute(from, j)
		return
	}
	for k := from; k+1 < j; k++ {
		if b.kind(k) == '.' && b.kind(k+1) == '.' {
			b.expression(from, k)
			by := min(b.until(k, "by"), j)
			b.expression(k+2, by)
			b.expression(by+1, j)
			return
		}
	}
	if b.kind(from) == '(' || queries[b.key(from)] {
		var into []string
		b.targets(head, in, &into)
		b.add(b.span(from, j), from, j, into)
	}
}
