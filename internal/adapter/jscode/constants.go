package jscode

import "strings"

// findConstants finds "const NAME = …".
func (r *reader) findConstants() {
	for i := range r.tokens {
		if !r.isSpelled(i, "const") || i+3 >= len(r.tokens) || r.tokens[i+1].kind != word {
			continue
		}
		name, equals := r.tokenText(i+1), i+2
		if r.isSpelled(equals, ":") {
			for equals++; equals < len(r.tokens) && r.isOfType(equals); equals++ {
			}
		}
		if !r.isSpelled(equals, "=") || equals+1 >= len(r.tokens) {
			continue
		}
		if _, twice := r.constants[name]; twice {
			r.constants[name] = -1
		} else {
			r.constants[name] = equals + 1
		}
	}
}

// findConstant returns the value of the constant that a chain names, or of its field.
func (r *reader) findConstant(links []Link, depth int) (Value, bool) {
	if r.outer != nil {
		return r.outer.findConstant(links, depth+1)
	}
	if v, given := r.arguments[links[0].Name]; given {
		return v, len(links) == 1
	}
	at, known := r.constants[links[0].Name]
	if !known || at < 0 || depth > maxDepth {
		return Value{}, false
	}
	v, known := r.values[at]
	if !known {
		r.values[at] = Value{} // a constant of itself
		outside := r.arguments
		r.arguments = nil
		v, _ = r.parseValue(at, depth+1)
		r.values[at], r.arguments = v, outside
	}
	if len(links) == 2 {
		if v.Kind != Object || links[1].Called {
			return Value{}, false
		}
		v, known = v.Field(links[1].Name)
		return v, known && v.Kind != Unknown && v.Kind != Chain
	}
	return v, v.Kind != Unknown && (v.Kind != Chain || v.New)
}

// evaluateCall returns the text of a call of a function of the program that only returns one: const drop = (t) => `DROP TABLE ${t}`.
func (r *reader) evaluateCall(call Link, depth int) (Value, bool) {
	if r.outer != nil {
		return r.outer.evaluateCall(call, depth+1)
	}
	f := r.functions[call.Name]
	if f == nil || f.reader != r || call.Tagged || len(f.Parameters) != len(call.Arguments) || depth > maxDepth {
		return Value{}, false
	}
	from := f.from
	if !f.expression {
		if !r.isSpelled(from, "return") {
			return Value{}, false
		}
		from++
	}
	given := map[string]Value{}
	for i, name := range f.Parameters {
		if given[name] = call.Arguments[i]; given[name].Kind != Text && given[name].Kind != Number {
			return Value{}, false
		}
	}
	outside := r.arguments
	r.arguments = given
	v, next := r.parseValue(from, depth+1)
	r.arguments = outside
	if r.isSpelled(next, ";") {
		next++
	}
	return v, v.Kind == Text && next >= f.to
}

// resolveTemplate returns the text of a template whose expressions are constant texts and numbers; unknown if one is not.
func (r *reader) resolveTemplate(i, depth int) Value {
	v := r.splitTemplate(i, depth)
	var b strings.Builder
	for _, item := range v.Items {
		if item.Kind != Text && item.Kind != Number {
			return Value{first: i}
		}
		if !r.spend(len(item.Text) / 16) {
			return Value{first: i}
		}
		b.WriteString(item.Text)
	}
	if len(v.Items) == 0 {
		return Value{first: i}
	}
	return Value{Kind: Text, Text: b.String(), first: i}
}

// splitTemplate returns the pieces of a template: its texts, and the values between them.
func (r *reader) splitTemplate(i, depth int) Value {
	t := r.tokens[i]
	v := Value{Kind: Template, first: i}
	if t.kind == text {
		v.raw = t.raw
		v.Items = []Value{{Kind: Text, Text: t.value, first: i, raw: t.raw}}
		return v
	}
	for n, p := range t.pieces {
		v.Items = append(v.Items, Value{Kind: Text, Text: p.text, first: i})
		if n < len(t.pieces)-1 {
			v.Items = append(v.Items, r.parseInside(p, i, depth+1))
		}
	}
	return v
}

// parseInside reads the expression of a template at token i.
func (r *reader) parseInside(p piece, i, depth int) Value {
	if depth > maxDepth || p.end <= p.start || len(r.program) < p.end {
		return Value{first: i}
	}
	if !r.spend(p.end - p.start) {
		return Value{first: i}
	}
	inner := &reader{lexer: &lexer{program: r.program[:p.end], nesting: depth}, outer: r, work: r.work}
	inner.readTokens(p.start, p.end)
	if len(inner.tokens) == 0 {
		return Value{first: i}
	}
	v, next := inner.parseValue(0, depth)
	if next < len(inner.tokens) {
		return Value{first: i}
	}
	v.first, v.raw = i, false
	return v
}
