package rubycode

import "strings"

// parser reads tokens. If it meets something that it does not know, it is broken, and nothing that it read counts.
type parser struct {
	tokens []token
	i      int
	depth  int
	// noDo is set while a block with do belongs to a call further out.
	noDo   bool
	broken bool
	// brokenAt is the offset at which it broke.
	brokenAt int
	// overBound is set if it broke because the program is nested too deep, or too long.
	overBound bool
}

// maxDepth bounds how deep a program is nested: reading it is recursive.
const maxDepth = 150

// parseProgram reads a program. The result is broken if it has something that the reader does not know.
func parseProgram(program string) (body []*node, p *parser) {
	l := splitTokens(program)
	if l.broken {
		last := 0
		if len(l.tokens) > 0 {
			last = l.tokens[len(l.tokens)-1].start
		}
		return nil, &parser{broken: true, brokenAt: last, overBound: l.overBound}
	}
	p = &parser{tokens: l.tokens}
	body = p.parseStatements()
	if !p.broken && p.i < len(p.tokens) {
		p.giveUp()
	}
	return body, p
}

// mostChained bounds how long a chain of operators or members is: evaluating it is recursive.
const mostChained = 1000

// countChainLink reports whether a chain may have one more link.
func (p *parser) countChainLink(length *int) bool {
	if *length++; *length > mostChained {
		p.overBound = !p.broken || p.overBound
		p.giveUp()
	}
	return !p.broken
}

// giveUp gives up.
func (p *parser) giveUp() *node {
	if !p.broken {
		p.broken = true
		if p.i < len(p.tokens) {
			p.brokenAt = p.tokens[p.i].start
		}
	}
	p.i = len(p.tokens)
	return &node{}
}

// tokenAt returns the token n after the next one; a line's end after the last one.
func (p *parser) tokenAt(n int) *token {
	if p.i+n >= 0 && p.i+n < len(p.tokens) {
		return &p.tokens[p.i+n]
	}
	return &token{kind: newline}
}

func (p *parser) isPunct(spelling string) bool {
	t := p.tokenAt(0)
	return t.kind == punct && t.value == spelling
}

func (p *parser) isWord(spelling string) bool {
	t := p.tokenAt(0)
	return t.kind == word && t.value == spelling
}

// acceptPunct skips an operator if it is next.
func (p *parser) acceptPunct(spelling string) bool {
	if p.isPunct(spelling) {
		p.i++
		return true
	}
	return false
}

// acceptWord skips a keyword if it is next.
func (p *parser) acceptWord(spelling string) bool {
	if p.isWord(spelling) {
		p.i++
		return true
	}
	return false
}

// expectPunct skips an operator, or gives up.
func (p *parser) expectPunct(spelling string) {
	p.skipNewlines()
	if !p.acceptPunct(spelling) {
		p.giveUp()
	}
}

func (p *parser) skipNewlines() {
	for p.i < len(p.tokens) && p.tokens[p.i].kind == newline {
		p.i++
	}
}

// enterLevel counts a level, and reports whether it may be read.
func (p *parser) enterLevel() bool {
	p.depth++
	if p.depth > maxDepth {
		p.overBound = !p.broken || p.overBound
		p.giveUp()
	}
	return !p.broken
}

// enders end a list of statements.
var enders = map[string]bool{"end": true, "else": true, "elsif": true, "when": true, "in": true, "rescue": true, "ensure": true, "then": true}

// parseStatements reads statements up to a word that ends them, or a brace.
func (p *parser) parseStatements() (out []*node) {
	outside := p.noDo
	p.noDo = false
	defer func() { p.noDo = outside }()
	if !p.enterLevel() {
		return nil
	}
	defer func() { p.depth-- }()
	for p.skipNewlines(); p.i < len(p.tokens); p.skipNewlines() {
		t := p.tokenAt(0)
		if t.kind == word && enders[t.value] || t.kind == punct && (t.value == "}" || t.value == ")") {
			return out
		}
		out = append(out, p.parseStatement())
		if t := p.tokenAt(0); !p.broken && t.kind != newline && !(t.kind == word && enders[t.value]) && !p.isPunct("}") && !p.isPunct(")") {
			p.giveUp()
		}
	}
	return out
}

// parseStatement reads a statement with its modifiers.
func (p *parser) parseStatement() *node {
	n := p.parseExpression()
	for length := 0; p.countChainLink(&length); {
		switch {
		case p.acceptWord("if"):
			n = &node{kind: nodeIf, condition: p.parseExpression(), body: []*node{n}, start: n.start}
		case p.acceptWord("unless"):
			n = &node{kind: nodeIf, condition: negateCondition(p.parseExpression()), body: []*node{n}, start: n.start}
		case p.acceptWord("while"), p.acceptWord("until"):
			n = &node{kind: nodeLoop, condition: p.parseExpression(), body: []*node{n}, start: n.start}
		case p.acceptWord("rescue"):
			n = &node{kind: nodeBegin, body: []*node{n}, items: []*node{p.parseExpression()}, start: n.start}
		default:
			return n
		}
	}
	return n
}

func negateCondition(n *node) *node {
	return &node{kind: nodeNot, items: []*node{n}, start: n.start, end: n.end}
}

// parseExpression reads an expression with not, and, or.
func (p *parser) parseExpression() *node {
	if !p.enterLevel() {
		return p.giveUp()
	}
	defer func() { p.depth-- }()
	if p.acceptWord("not") {
		return negateCondition(p.parseExpression())
	}
	n := p.parseAssignment()
	for length := 0; p.countChainLink(&length); {
		k := nodeAnd
		if !p.isWord("and") {
			if k = nodeOr; !p.isWord("or") {
				break
			}
		}
		p.i++
		p.skipNewlines()
		n = &node{kind: k, items: []*node{n, p.parseAssignment()}, start: n.start}
	}
	return n
}

// assignments are the operators that assign.
var assignments = map[string]bool{
	"=": true, "||=": true, "&&=": true, "+=": true, "-=": true, "*=": true, "/=": true, "<<=": true, ">>=": true, "|=": true, "&=": true, "%=": true,
	"**=": true, "^=": true,
}

// parseAssignment reads an expression that may assign.
func (p *parser) parseAssignment() *node {
	if !p.enterLevel() {
		return p.giveUp()
	}
	defer func() { p.depth-- }()
	n := p.parseTernary()
	if t := p.tokenAt(0); t.kind == punct && t.value == "," && p.isMultipleAssignment(n) {
		return p.parseMultipleAssignment(n)
	}
	t := p.tokenAt(0)
	if t.kind != punct || !assignments[t.value] || !isAssignable(n) {
		return n
	}
	p.i++
	p.skipNewlines()
	value := p.parseAssignment()
	if p.isPunct(",") && !p.noDo {
		value = &node{kind: nodeList, items: []*node{value}, start: value.start}
		for p.acceptPunct(",") {
			p.skipNewlines()
			value.items = append(value.items, p.parseTernary())
		}
	}
	if p.acceptWord("rescue") {
		value = &node{kind: nodeBegin, body: []*node{value}, items: []*node{p.parseTernary()}, start: value.start}
	}
	return &node{kind: nodeAssign, name: t.value, receiver: n, items: []*node{value}, start: n.start}
}

// isAssignable reports whether an expression can be assigned to.
func isAssignable(n *node) bool {
	switch n.kind {
	case nodeCall:
		return n.block == nil && (len(n.items) == 0 || n.name == "[]")
	case nodeConst:
		return true
	}
	return false
}

// isMultipleAssignment reports whether a, b = c begins with a target that was read. It looks ahead at most 12 tokens.
func (p *parser) isMultipleAssignment(n *node) bool {
	if !isAssignable(n) || p.noDo {
		return false
	}
	for k := 0; k < 12; k++ {
		t := p.tokenAt(k)
		switch {
		case t.kind == punct && t.value == "=":
			return k > 1
		case t.kind == punct && (t.value == "," || t.value == "*" || t.value == "."), t.kind == word:
		default:
			return false
		}
	}
	return false
}

// parseMultipleAssignment reads the rest of a, b = c.
func (p *parser) parseMultipleAssignment(n *node) *node {
	targets := []*node{n}
	for p.acceptPunct(",") {
		p.acceptPunct("*")
		targets = append(targets, p.parsePostfix())
	}
	p.expectPunct("=")
	p.skipNewlines()
	var values []*node
	for values = append(values, p.parseTernary()); p.acceptPunct(","); {
		p.skipNewlines()
		values = append(values, p.parseTernary())
	}
	return &node{kind: nodeAssign, name: ",", receiver: &node{kind: nodeList, items: targets}, items: values, start: n.start}
}

// parseTernary reads a ? b : c, or what binds closer.
func (p *parser) parseTernary() *node {
	if !p.enterLevel() {
		return p.giveUp()
	}
	defer func() { p.depth-- }()
	n := p.parseBinary(0)
	if !p.isPunct("?") {
		return n
	}
	p.i++
	p.skipNewlines()
	out := &node{kind: nodeIf, condition: n, start: n.start}
	if t := p.tokenAt(0); t.kind == label { // a ? b: c
		p.giveUp()
	}
	out.body = []*node{p.parseTernary()}
	p.expectPunct(":")
	p.skipNewlines()
	out.otherwise = []*node{p.parseTernary()}
	return out
}

// levels are the precedences of the operators between values.
var levels = map[string]int{
	"..": 1, "...": 1, "||": 2, "&&": 3, "<=>": 4, "==": 4, "===": 4, "!=": 4, "=~": 4, "!~": 4, "<": 5, "<=": 5, ">": 5, ">=": 5, "|": 6, "^": 6, "&": 7,
	"<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": 11,
}

// parseBinary reads values with operators of a level or above.
func (p *parser) parseBinary(level int) *node {
	if !p.enterLevel() {
		return p.giveUp()
	}
	defer func() { p.depth-- }()
	n := p.parseUnary()
	for length := 0; p.countChainLink(&length); {
		t := p.tokenAt(0)
		operatorLevel := levels[t.value]
		if t.kind != punct || operatorLevel == 0 || operatorLevel <= level {
			return n
		}
		p.i++
		if next := p.tokenAt(0); strings.HasPrefix(t.value, "..") && (next.kind == newline || next.kind == punct && (next.value == ")" || next.value == "]")) {
			return &node{kind: nodeOperation, name: t.value, items: []*node{n}, start: n.start} // a range without an end
		}
		p.skipNewlines()
		right := p.parseBinary(operatorLevel)
		k := nodeOperation
		switch t.value {
		case "||":
			k = nodeOr
		case "&&":
			k = nodeAnd
		}
		n = &node{kind: k, name: t.value, items: []*node{n, right}, start: n.start, end: right.end}
	}
	return n
}

// parseUnary reads a value with a sign before it.
func (p *parser) parseUnary() *node {
	if !p.enterLevel() {
		return p.giveUp()
	}
	defer func() { p.depth-- }()
	t := p.tokenAt(0)
	if t.kind == punct {
		switch t.value {
		case "!":
			p.i++
			return negateCondition(p.parseUnary())
		case "-", "+", "~":
			p.i++
			n := p.parseUnary()
			if n.kind == nodeNumber && t.value == "-" {
				n.name, n.start = "-"+n.name, t.start
				return n
			}
			return &node{kind: nodeOperation, name: t.value, items: []*node{n}, start: t.start}
		case "*", "**", "&":
			p.i++
			k := map[string]nodeKind{"*": nodeSplat, "**": nodeSpread, "&": nodeBlockPass}[t.value]
			return &node{kind: k, items: []*node{p.parseUnary()}, start: t.start}
		}
	}
	return p.parsePostfix()
}
