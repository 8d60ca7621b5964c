package rubycode

import "strings"

// evaluateNode returns the value of an expression.
func (r *Run) evaluateNode(n *node) Value {
	if r.steps++; n == nil || r.isExhausted() {
		return Value{}
	}
	switch n.kind {
	case nodeText:
		return r.evaluateText(n)
	case nodeSymbol:
		if len(n.items) > 0 {
			v := r.evaluateText(n)
			if v.Kind == String {
				return Value{Kind: Symbol, Text: v.Text}
			}
			return Value{}
		}
		return Value{Kind: Symbol, Text: n.name}
	case nodeNumber:
		return Value{Kind: Number, Text: n.name}
	case nodeWord:
		return Value{Kind: Keyword, Text: n.name}
	case nodeList:
		return r.evaluateList(n.items)
	case nodeHash:
		return r.evaluateHash(n)
	case nodeConst:
		return r.evaluateConstant(n.name)
	case nodeCall:
		return r.evaluateCall(n)
	case nodeLambda:
		return Value{Kind: Proc, block: n.block, scope: r.scope}
	case nodeAssign:
		return r.assignVariable(n)
	case nodeNot:
		v := r.evaluateForValue(n.items[0])
		if holds, known := v.IsTrue(); known {
			return NewBool(!holds)
		}
		return Value{Needs: v.Needs, Absent: !v.Absent}
	case nodeAnd, nodeOr:
		return r.evaluateLogic(n)
	case nodeOperation:
		return r.evaluateOperation(n)
	case nodeIf, nodeBegin, nodeLoop, nodeLeave:
		return r.executeStatement(n).value
	case nodeSplat, nodeSpread, nodeBlockPass:
		return r.evaluateNode(n.items[0])
	}
	for _, item := range n.items {
		r.evaluateForValue(item)
	}
	return Value{}
}

// evaluateText joins the pieces of a text.
func (r *Run) evaluateText(n *node) Value {
	if len(n.items) == 1 {
		return Value{Kind: String, Text: n.items[0].value, from: n}
	}
	var b strings.Builder
	known := true
	for _, item := range n.items {
		if item.kind == nodeTextPart {
			b.WriteString(item.value)
			continue
		}
		v := r.evaluateForValue(item)
		if !v.IsName() && v.Kind != Number && !v.IsWord("true") && !v.IsWord("false") {
			known = false
		}
		b.WriteString(v.Text)
		if r.bytes += len(v.Text); r.isExhausted() {
			return Value{}
		}
	}
	if !known {
		return Value{}
	}
	r.bytes += b.Len()
	return Value{Kind: String, Text: b.String()}
}

func (r *Run) evaluateList(items []*node) Value {
	out := Value{Kind: Array}
	for _, item := range items {
		v := r.evaluateNode(item)
		if item.kind == nodeSplat {
			if v.Kind != Array {
				return Value{}
			}
			out.Items = append(out.Items, v.Items...)
			continue
		}
		out.Items = append(out.Items, v)
	}
	r.bytes += valueBytes * len(out.Items)
	return out
}

func (r *Run) evaluateHash(n *node) Value {
	out := Value{Kind: Hash}
	for i := 0; i+1 < len(n.items); i += 2 {
		v := r.evaluateNode(n.items[i+1])
		if n.items[i] != nil {
			out.Items = append(out.Items, r.evaluateNode(n.items[i]), v)
			continue
		}
		if v.Kind != Hash {
			return Value{}
		}
		out.Items = append(out.Items, v.Items...)
	}
	r.bytes += valueBytes * len(out.Items)
	return out
}

// evaluateConstant returns the value of a constant, or its name.
func (r *Run) evaluateConstant(name string) Value {
	for c := r.class; c != nil; c = c.outer {
		if value := c.constants[name]; value != nil {
			if r.calls >= mostCalls {
				return Value{}
			}
			r.calls++
			defer func() { r.calls-- }()
			outside := r.scope
			r.scope = &scope{variables: map[string]Value{}}
			v := r.evaluateForValue(value)
			r.scope = outside
			if v.Kind == Unknown {
				return Value{}
			}
			return v
		}
	}
	return Value{Kind: Constant, Text: strings.TrimPrefix(name, "::")}
}

// assignVariable sets a variable.
func (r *Run) assignVariable(n *node) Value {
	target := n.receiver
	if n.name == "," {
		for _, v := range n.items {
			r.evaluateForValue(v)
		}
		for _, t := range target.items {
			r.setVariable(t, Value{})
		}
		return Value{}
	}
	r.asking++
	v := r.evaluateNode(n.items[0])
	r.asking--
	switch n.name {
	case "=":
	case "||=":
		if old := r.readTargetValue(target); old.Kind != Unknown && !old.IsWord("nil") {
			return old
		}
	case "+=":
		old := r.readTargetValue(target)
		if r.bytes += len(old.Text) + valueBytes*len(old.Items); r.isExhausted() {
			return Value{}
		}
		v = addValues(old, v)
	default:
		v = Value{}
	}
	r.setVariable(target, v)
	return v
}

// readTargetValue returns the value of a variable; nil if it was never assigned.
func (r *Run) readTargetValue(target *node) Value {
	if strings.HasPrefix(target.name, "@") {
		if v, ok := r.fields[target.name]; ok {
			return v
		}
		return Nil
	}
	if s, ok := r.scope.findScope(target.name); ok {
		return s.variables[target.name]
	}
	return Nil
}

func (r *Run) setVariable(target *node, v Value) {
	if target.kind != nodeCall || target.receiver != nil {
		return
	}
	if strings.HasPrefix(target.name, "@") {
		r.fields[target.name] = v
		r.assigned = append(r.assigned, assigned{nil, target.name})
		return
	}
	s, ok := r.scope.findScope(target.name)
	if !ok {
		s = r.scope
	}
	s.variables[target.name] = v
	r.assigned = append(r.assigned, assigned{s, target.name})
}

// evaluateLogic returns the value of a && b or a || b.
func (r *Run) evaluateLogic(n *node) Value {
	left := r.evaluateForValue(n.items[0])
	holds, known := left.IsTrue()
	isAnd := n.kind == nodeAnd
	if known && holds != isAnd {
		return left
	}
	if known {
		return r.evaluateNode(n.items[1])
	}
	outside := r.condition
	r.condition.some = true
	var right Value
	r.runBranch(func() { right = r.evaluateNode(n.items[1]) })
	r.condition = outside
	if rightHolds, rightKnown := right.IsTrue(); rightKnown && rightHolds != isAnd && right.Kind == Keyword {
		return right // a && false, a || true
	}
	switch { // both must hold, or none may
	case isAnd && left.Needs != "" && !left.Absent:
		return Value{Needs: left.Needs}
	case !isAnd && left.Needs != "" && left.Absent:
		return Value{Needs: left.Needs, Absent: true}
	}
	return Value{}
}

// evaluateOperation returns the value of an operation on literals.
func (r *Run) evaluateOperation(n *node) Value {
	left := r.evaluateForValue(n.items[0])
	if len(n.items) == 1 {
		return Value{}
	}
	right := r.evaluateForValue(n.items[1])
	switch n.name {
	case "+":
		if r.bytes += len(left.Text) + len(right.Text) + valueBytes*(len(left.Items)+len(right.Items)); r.isExhausted() {
			return Value{}
		}
		return addValues(left, right)
	case "==", "!=":
		if left.IsLiteral() && right.IsLiteral() && left.Kind == right.Kind && len(left.Items)+len(right.Items) == 0 {
			return NewBool((left.Text == right.Text) == (n.name == "=="))
		}
	case "<<":
		if left.Kind == Array || left.Kind == String { // the variable changes
			r.setVariable(n.items[0], Value{})
		}
	}
	return Value{}
}

// addValues returns the sum of two texts or lists.
func addValues(a, b Value) Value {
	switch {
	case a.Kind == String && b.Kind == String:
		return NewString(a.Text + b.Text)
	case a.Kind == Array && b.Kind == Array:
		return Value{Kind: Array, Items: append(append([]Value(nil), a.Items...), b.Items...)}
	}
	return Value{}
}
