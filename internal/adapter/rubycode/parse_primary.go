package rubycode

import "strings"

// parsePrimary reads a value without members.
func (p *parser) parsePrimary() *node {
	t := p.tokenAt(0)
	n := &node{start: t.start, end: t.end}
	switch t.kind {
	case newline, label:
		return p.giveUp()
	case text:
		p.i++
		p.setText(n, t)
		for next := p.tokenAt(0); next.kind == text && !p.broken; next = p.tokenAt(0) { // "a" "b"
			p.i++
			more := &node{}
			p.setText(more, next)
			n.items, n.raw, n.end = append(n.items, more.items...), false, next.end
		}
		return n
	case symbol:
		p.i++
		n.kind, n.name = nodeSymbol, t.value
		if t.pieces != nil {
			p.setText(n, t)
			n.kind = nodeSymbol
		}
		return n
	case number:
		p.i++
		n.kind, n.name = nodeNumber, t.value
		return n
	case list:
		p.i++
		return makeWordList(n, t)
	case other:
		p.i++
		return n
	case constant:
		if p.isCalled() || p.tokenAt(1).kind == text && p.tokenAt(1).space {
			p.i++
			n.kind, n.name = nodeCall, t.value
			return p.parseCall(n)
		}
		p.i++
		n.kind, n.name = nodeConst, t.value
		return n
	case word:
		return p.parseWord(n, t)
	}
	return p.parseBracket(n, t)
}

// setText makes a node of a text.
func (p *parser) setText(n *node, t *token) {
	n.kind, n.raw, n.content = nodeText, t.raw, t.content
	if t.pieces == nil {
		n.items = []*node{{kind: nodeTextPart, value: t.value}}
		return
	}
	for _, x := range t.pieces {
		n.items = append(n.items, &node{kind: nodeTextPart, value: x.text})
		if x.tokens == nil {
			continue
		}
		inner := &parser{tokens: x.tokens, depth: p.depth}
		body := inner.parseStatements()
		if inner.overBound {
			p.overBound = true
			p.giveUp()
			return
		}
		if inner.broken || inner.i < len(inner.tokens) || len(body) != 1 {
			body = []*node{{start: t.start}}
		}
		n.items = append(n.items, body[0])
	}
}

// makeWordList makes the elements of %w[a b].
func makeWordList(n *node, t *token) *node {
	n.kind = nodeList
	if t.pieces != nil {
		n.kind = nodeUnknown
		return n
	}
	for _, name := range strings.Fields(t.value) {
		item := &node{kind: nodeSymbol, name: name, start: t.start, end: t.end}
		if !t.symbols {
			item = &node{kind: nodeText, items: []*node{{kind: nodeTextPart, value: name}}, start: t.start, end: t.end}
		}
		n.items = append(n.items, item)
	}
	return n
}

// parseBracket reads (a), [a], {a: b} or -> (a) { }.
func (p *parser) parseBracket(n *node, t *token) *node {
	switch t.value {
	case "(":
		p.i++
		body := p.parseStatements()
		p.expectPunct(")")
		if len(body) == 1 {
			body[0].raw = false
			return body[0]
		}
		n.kind, n.body = nodeBegin, body
		return n
	case "[":
		p.i++
		n.kind, n.items = nodeList, p.parseArguments("]")
		n.end = p.tokenAt(-1).end
		return n
	case "{":
		p.i++
		for _, x := range p.parseArguments("}") {
			if x.kind != nodeHash {
				return p.giveUp()
			}
			n.items = append(n.items, x.items...)
		}
		n.kind = nodeHash
		return n
	case "->":
		return p.parseLambda(n)
	case "::":
		if p.i++; p.tokenAt(0).kind != constant {
			return p.giveUp()
		}
		return p.parsePrimary()
	case "..", "...":
		p.i++
		n.kind, n.name, n.items = nodeOperation, t.value, []*node{p.parseUnary()}
		return n
	}
	return p.giveUp()
}

// parseLambda reads -> (a) { b }.
func (p *parser) parseLambda(n *node) *node {
	p.i++
	n.kind, n.block = nodeLambda, &Block{}
	if p.acceptPunct("(") {
		n.block.parameters = p.parseParameters(")")
	} else {
		for p.tokenAt(0).kind == word && !p.isWord("do") {
			n.block.parameters = append(n.block.parameters, parameter{name: p.tokenAt(0).value})
			p.i++
			p.acceptPunct(",")
		}
	}
	switch {
	case p.acceptPunct("{"):
		n.block.body = p.parseStatements()
		p.expectPunct("}")
	case p.acceptWord("do"):
		n.block.body = p.parseStatements()
		p.expectEnd()
	default:
		return p.giveUp()
	}
	return n
}

// parseWord reads what begins with a keyword or a name.
func (p *parser) parseWord(n *node, t *token) *node {
	p.i++
	switch t.value {
	case "true", "false", "nil", "self", "__FILE__", "__method__":
		n.kind, n.name = nodeWord, t.value
		return n
	case "def":
		return p.parseDef(n)
	case "class", "module":
		return p.parseClass(n, t.value)
	case "if", "unless":
		return p.parseIf(n, t.value == "unless")
	case "case":
		return p.parseCase(n)
	case "while", "until", "for":
		return p.parseLoop(n, t.value)
	case "begin":
		n.kind = nodeBegin
		n.body = p.parseRescues(p.parseStatements())
		p.expectEnd()
		return n
	case "return", "next", "break", "redo", "retry", "raise":
		n.kind, n.name = nodeLeave, t.value
		if next := p.tokenAt(0); next.kind != newline && !(next.kind == word && modifiers[next.value]) && !p.isPunct("}") {
			n.items = p.parseOpenArguments()
		}
		return n
	case "alias", "undef", "BEGIN", "END":
		for p.tokenAt(0).kind != newline && p.i < len(p.tokens) {
			p.i++
		}
		return n
	case "defined?", "yield", "super":
		n.kind, n.name = nodeCall, t.value
		return p.parseCall(n)
	case "end", "else", "elsif", "when", "then", "do", "rescue", "ensure", "in", "and", "or":
		p.i--
		return p.giveUp()
	}
	n.kind, n.name = nodeCall, t.value
	return p.parseCall(n)
}

// parseDef reads a method.
func (p *parser) parseDef(n *node) *node {
	n.kind, n.block = nodeDef, &Block{}
	t := p.tokenAt(0)
	if next := p.tokenAt(1); next.kind == punct && next.value == "." { // def self.a
		n.receiver = &node{kind: nodeWord, name: t.value}
		p.i += 2
		t = p.tokenAt(0)
	}
	p.i++
	n.name = t.value
	if t.kind == punct || t.kind == newline { // an operator
		if t.kind == newline {
			return p.giveUp()
		}
		for p.tokenAt(0).kind == punct && !p.isPunct("(") {
			p.i++
		}
	}
	if next := p.tokenAt(0); next.kind == punct && next.value == "=" && !next.space { // def a=(b)
		p.i++
	}
	if p.acceptPunct("(") {
		n.block.parameters = p.parseParameters(")")
	} else if !p.isPunct("=") {
		n.block.parameters = p.parseParameters("")
	}
	if p.acceptPunct("=") {
		p.skipNewlines()
		n.block.body = []*node{p.parseStatement()}
		return n
	}
	n.block.body = p.parseRescues(p.parseStatements())
	p.expectEnd()
	return n
}

// parseClass reads a class or a module.
func (p *parser) parseClass(n *node, keyword string) *node {
	n.kind = nodeClass
	switch {
	case p.acceptPunct("<<"):
		p.parseUnary()
		n.name = "<<"
	default:
		name := p.parsePostfix()
		n.name = name.name
		if keyword == "class" && p.acceptPunct("<") {
			n.receiver = p.parseTernary()
		}
	}
	n.body = p.parseRescues(p.parseStatements())
	p.expectEnd()
	return n
}

// parseIf reads an if with its branches.
func (p *parser) parseIf(n *node, negated bool) *node {
	n.kind, n.condition = nodeIf, p.parseCondition()
	if negated {
		n.condition = negateCondition(n.condition)
	}
	p.acceptWord("then")
	n.body = p.parseStatements()
	switch {
	case p.isWord("elsif"):
		t := p.tokenAt(0)
		p.i++
		if p.enterLevel() {
			n.otherwise = []*node{p.parseIf(&node{start: t.start}, false)}
			p.depth--
		}
		return n
	case p.acceptWord("else"):
		n.otherwise = p.parseStatements()
	}
	p.expectEnd()
	return n
}

// parseCondition reads a condition, to which a do does not belong.
func (p *parser) parseCondition() *node {
	outside := p.noDo
	p.noDo = true
	defer func() { p.noDo = outside }()
	return p.parseExpression()
}

// parseCase reads a case: its branches are under a condition that is not known.
func (p *parser) parseCase(n *node) *node {
	if p.tokenAt(0).kind != newline {
		n.condition = p.parseCondition()
	}
	n.kind = nodeIf
	if n.condition == nil {
		n.condition = &node{}
	}
	for p.skipNewlines(); !p.broken; p.skipNewlines() {
		switch {
		case p.acceptWord("when"), p.acceptWord("in"):
			p.skipPatterns()
			n.body = append(n.body, p.parseStatements()...)
		case p.acceptWord("else"):
			n.otherwise = append(n.otherwise, p.parseStatements()...)
		default:
			p.expectEnd()
			n.condition = &node{start: n.start, items: []*node{n.condition}}
			return n
		}
	}
	return n
}

// skipPatterns skips what follows rescue or when: a list up to then or to the end of a line.
func (p *parser) skipPatterns() {
	for ; p.i < len(p.tokens) && !p.isWord("then"); p.i++ {
		if p.tokenAt(0).kind == newline && !(p.tokenAt(-1).kind == punct && p.tokenAt(-1).value == ",") {
			return
		}
	}
	p.acceptWord("then")
}

// parseLoop reads a loop.
func (p *parser) parseLoop(n *node, keyword string) *node {
	n.kind = nodeLoop
	if keyword == "for" {
		for p.tokenAt(0).kind != newline && !p.isWord("in") {
			p.i++
		}
		p.acceptWord("in")
	}
	n.condition = p.parseCondition()
	p.acceptWord("do")
	n.body = p.parseStatements()
	p.expectEnd()
	return n
}
