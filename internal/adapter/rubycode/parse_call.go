package rubycode

// parsePostfix reads a value with its members, calls and blocks.
func (p *parser) parsePostfix() *node {
	n := p.parsePrimary()
	for length := 0; p.countChainLink(&length); {
		t := p.tokenAt(0)
		switch {
		case t.kind == newline && p.continuesChain():
			p.skipNewlines()
		case t.kind == punct && (t.value == "." || t.value == "&."):
			p.i++
			p.skipNewlines()
			n = p.parseMember(n)
		case t.kind == punct && t.value == "::" && !t.space:
			p.i++
			n = p.parseScope(n)
		case t.kind == punct && t.value == "[" && !t.space:
			p.i++
			n = &node{kind: nodeCall, name: "[]", receiver: n, items: p.parseArguments("]"), start: n.start, end: p.tokenAt(-1).end}
		default:
			return n
		}
	}
	return n
}

// continuesChain reports whether the next line begins with a member.
func (p *parser) continuesChain() bool {
	k := 0
	for p.i+k < len(p.tokens) && p.tokenAt(k).kind == newline {
		if p.tokenAt(k).value != "" {
			return false // a semicolon
		}
		k++
	}
	t := p.tokenAt(k)
	return t.kind == punct && (t.value == "." || t.value == "&.")
}

// parseMember reads the name of a method after a dot, and its arguments.
func (p *parser) parseMember(receiver *node) *node {
	t := p.tokenAt(0)
	switch t.kind {
	case word, constant:
		p.i++
		return p.parseCall(&node{kind: nodeCall, name: t.value, receiver: receiver, start: receiver.start, end: t.end})
	case label: // a ? b.c : d
		return p.giveUp()
	case punct:
		if t.value == "(" { // a.(b)
			p.i++
			return &node{kind: nodeCall, name: "call", receiver: receiver, items: p.parseArguments(")"), hasParentheses: true, start: receiver.start}
		}
	}
	return p.giveUp()
}

// parseScope reads the name after two colons.
func (p *parser) parseScope(n *node) *node {
	t := p.tokenAt(0)
	if t.kind != constant || n.kind != nodeConst || p.isCalled() {
		return p.parseMember(n)
	}
	p.i++
	return &node{kind: nodeConst, name: n.name + "::" + t.value, start: n.start, end: t.end}
}

// isCalled reports whether the next name, which could be a constant, is called.
func (p *parser) isCalled() bool {
	next := p.tokenAt(1)
	return next.kind == punct && next.value == "(" && !next.space
}

// parseCall reads the arguments and the block of a call whose name was read.
func (p *parser) parseCall(n *node) *node {
	switch t := p.tokenAt(0); {
	case t.kind == punct && t.value == "(" && !t.space:
		p.i++
		n.items, n.hasParentheses = p.parseArguments(")"), true
	case p.beginsArgument():
		outside := p.noDo
		p.noDo = true
		n.items = p.parseOpenArguments()
		p.noDo = outside
	}
	p.parseBlock(n)
	n.end = p.tokenAt(-1).end
	return n
}

// beginsArgument reports whether the next token begins an argument of a call without parentheses.
func (p *parser) beginsArgument() bool {
	t := p.tokenAt(0)
	if !t.space {
		return false
	}
	switch t.kind {
	case text, symbol, number, list, other, label, constant:
		return true
	case word:
		return !modifiers[t.value]
	case punct:
		next := p.tokenAt(1)
		switch t.value {
		case "[", "->", "!", "(":
			return true
		case "-", "*", "&", "**", "::":
			return !next.space && next.kind != newline
		}
	}
	return false
}

// modifiers are the words that follow a call without arguments.
var modifiers = map[string]bool{
	"if": true, "unless": true, "while": true, "until": true, "and": true, "or": true, "then": true, "do": true, "end": true, "rescue": true, "in": true,
	"else": true, "elsif": true, "when": true, "ensure": true,
}

// parseOpenArguments reads arguments without parentheses.
func (p *parser) parseOpenArguments() []*node {
	var out []*node
	for !p.broken {
		out = p.addArgument(out)
		if !p.acceptPunct(",") {
			break
		}
		p.skipNewlines()
	}
	return out
}

// parseArguments reads arguments up to a closing bracket.
func (p *parser) parseArguments(end string) []*node {
	outside := p.noDo
	p.noDo = false
	defer func() { p.noDo = outside }()
	var out []*node
	for p.skipNewlines(); !p.broken && !p.acceptPunct(end); p.skipNewlines() {
		out = p.addArgument(out)
		p.skipNewlines()
		if !p.isPunct(end) {
			p.expectPunct(",")
		}
	}
	return out
}

// addArgument reads an argument; one with a name goes to the hash at the end.
func (p *parser) addArgument(out []*node) []*node {
	if !p.enterLevel() {
		return out
	}
	defer func() { p.depth-- }()
	t := p.tokenAt(0)
	var key, value *node
	switch {
	case t.kind == label:
		key, value = p.parsePair()
	case t.kind == punct && t.value == "**":
		p.i++
		value = p.parseTernary()
	default:
		outside := p.noDo
		p.noDo = true // a comma ends the argument
		n := p.parseArgument(outside)
		p.noDo = outside
		if !p.acceptPunct("=>") {
			return append(out, n)
		}
		p.skipNewlines()
		key, value = n, p.parseArgument(outside)
	}
	if last := len(out) - 1; last >= 0 && out[last].kind == nodeHash && out[last].bare {
		out[last].items = append(out[last].items, key, value)
		return out
	}
	return append(out, &node{kind: nodeHash, bare: true, items: []*node{key, value}, start: t.start})
}

// parseArgument reads the value of an argument. noDo is the list's.
func (p *parser) parseArgument(noDo bool) *node {
	if noDo {
		return p.parseAssignment()
	}
	p.noDo = false
	n := p.parseTernary()
	if t := p.tokenAt(0); t.kind == punct && assignments[t.value] && isAssignable(n) {
		p.i++
		n = &node{kind: nodeAssign, name: t.value, receiver: n, items: []*node{p.parseTernary()}, start: n.start}
	}
	return n
}

// parsePair reads the name of an option and its value, which may be missing: a method has its name.
func (p *parser) parsePair() (key, value *node) {
	t := p.tokenAt(0)
	p.i++
	key = &node{kind: nodeSymbol, name: t.value, start: t.start, end: t.end}
	if t.pieces != nil {
		key = &node{start: t.start}
	}
	next := p.tokenAt(0)
	if next.kind == punct && (next.value == "," || next.value == ")" || next.value == "}") || next.kind == word && next.value == "do" {
		return key, &node{kind: nodeCall, name: t.value, start: t.start}
	}
	p.skipNewlines()
	return key, p.parseTernary()
}

// parseBlock reads the block of a call.
func (p *parser) parseBlock(n *node) {
	switch {
	case p.isPunct("{"):
		p.i++
		n.block = p.parseBlockBody()
		p.expectPunct("}")
	case p.isWord("do") && !p.noDo:
		p.i++
		n.block = p.parseBlockBody()
		n.block.body = p.parseRescues(n.block.body)
		p.expectEnd()
	}
}

// parseBlockBody reads the parameters and the statements of a block.
func (p *parser) parseBlockBody() *Block {
	b := &Block{}
	p.skipNewlines()
	if p.acceptPunct("|") {
		b.parameters = p.parseParameters("|")
	} else {
		p.acceptPunct("||")
	}
	b.body = p.parseStatements()
	return b
}

func (p *parser) expectEnd() {
	p.skipNewlines()
	if !p.acceptWord("end") {
		p.giveUp()
	}
}

// parseRescues reads rescue, else and ensure after a body.
func (p *parser) parseRescues(body []*node) []*node {
	var rescues []*node
	found := false
	for !p.broken {
		switch {
		case p.acceptWord("rescue"):
			p.skipPatterns()
		case p.acceptWord("else"), p.acceptWord("ensure"):
		default:
			if !found {
				return body
			}
			return []*node{{kind: nodeBegin, body: body, items: rescues}}
		}
		found = true
		rescues = append(rescues, &node{kind: nodeBegin, body: p.parseStatements()})
	}
	return body
}

// parseParameters reads parameters up to a closing bracket; a line's end if it is "".
func (p *parser) parseParameters(end string) (out []parameter) {
	outside := p.noDo
	p.noDo = true
	defer func() { p.noDo = outside }()
	for !p.broken {
		if end != "" {
			p.skipNewlines()
		}
		if end == "" && p.tokenAt(0).kind == newline || end != "" && p.acceptPunct(end) {
			return out
		}
		out = append(out, p.parseParameter(end))
		if !p.acceptPunct(",") && !(end == "" && p.tokenAt(0).kind == newline) && !p.isPunct(end) && p.tokenAt(0).kind != newline {
			p.giveUp()
		}
	}
	return out
}

// parseParameter reads one parameter.
func (p *parser) parseParameter(end string) parameter {
	t := p.tokenAt(0)
	p.i++
	switch {
	case t.kind == word:
		out := parameter{name: t.value}
		if p.acceptPunct("=") {
			out.value = p.parseBinary(levels["|"])
		}
		return out
	case t.kind == label:
		out := parameter{name: t.value, kind: 'k'}
		if next := p.tokenAt(0); next.kind != newline && !(next.kind == punct && (next.value == "," || next.value == end)) {
			out.value = p.parseBinary(levels["|"])
		}
		return out
	case t.kind == punct && (t.value == "*" || t.value == "**" || t.value == "&" || t.value == "..."):
		out := parameter{kind: '*'}
		if t.value == "&" {
			out.kind = '&'
		}
		if p.tokenAt(0).kind == word {
			out.name = p.tokenAt(0).value
			p.i++
		}
		return out
	case t.kind == punct && t.value == "(": // (a, b)
		if !p.enterLevel() {
			return parameter{}
		}
		inner := p.parseParameters(")")
		p.depth--
		return parameter{kind: '(', value: &node{items: parameterNodes(inner)}}
	}
	p.i--
	p.giveUp()
	return parameter{}
}

// parameterNodes returns the names of parameters as nodes.
func parameterNodes(list []parameter) (out []*node) {
	for _, x := range list {
		out = append(out, &node{kind: nodeCall, name: x.name})
	}
	return out
}
