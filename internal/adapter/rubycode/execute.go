package rubycode

import "slices"

// result is how a list of statements ends.
type result struct {
	value Value
	// left is set if it ended with return, next or break; sometimes if it may have. returns is set if return was one of them.
	left, sometimes, returns bool
}

// executeBody runs statements.
func (r *Run) executeBody(body []*node) (out result) {
	outside := r.condition
	defer func() { r.condition = outside }()
	for _, n := range body {
		if r.steps++; r.isExhausted() {
			return result{}
		}
		outcome := r.executeStatement(n)
		if r.leaving { // a return in a block leaves the method
			outcome.sometimes, outcome.returns = true, true
		}
		out.value, out.returns = outcome.value, out.returns || outcome.returns
		if outcome.left {
			out.left = true
			if out.sometimes {
				out.value = Value{}
			}
			return out
		}
		if outcome.sometimes { // what follows runs only if it did not
			out.sometimes = true
			r.condition.some = true
			r.condition.needs, r.condition.line = outcome.value.requiredTables(r.condition), r.lineOfNode(n)
		}
	}
	if out.sometimes {
		out.value = Value{}
	}
	return out
}

// requiredTables returns the tables that must exist if the condition of a value did not end the method.
func (v Value) requiredTables(c condition) []string {
	if v.Needs == "" || !v.Absent {
		return c.needs
	}
	return append(slices.Clone(c.needs), v.Needs)
}

func (r *Run) lineOfNode(n *node) int {
	line, _ := r.lines.Position(n.start)
	return line
}

// executeStatement runs a statement.
func (r *Run) executeStatement(n *node) result {
	switch n.kind {
	case nodeIf:
		return r.executeIf(n)
	case nodeLoop:
		r.evaluateForValue(n.condition)
		r.executeBranch(n.body, condition{some: true, loop: true, needs: r.condition.needs, line: r.condition.line})
		return result{}
	case nodeBegin:
		out := r.executeBody(n.body)
		for _, other := range n.items {
			if other.kind == nodeBegin {
				r.executeBranch(other.body, condition{some: true, loop: r.condition.loop})
			}
		}
		if len(n.items) > 0 {
			out.value = Value{}
		}
		return out
	case nodeLeave:
		var v Value
		if n.name == "raise" {
			for _, item := range n.items {
				r.evaluateForValue(item)
			}
			return result{left: !r.condition.some}
		}
		v = Nil
		if len(n.items) > 0 {
			v = r.evaluateNode(n.items[0])
		}
		return result{value: v, left: true, returns: n.name == "return"}
	case nodeDef, nodeClass:
		return result{}
	}
	return result{value: r.evaluateNode(n)}
}

// executeIf runs a statement with a condition.
func (r *Run) executeIf(n *node) result {
	c := r.evaluateForValue(n.condition)
	if holds, known := c.IsTrue(); known {
		if holds {
			return r.executeBody(n.body)
		}
		return r.executeBody(n.otherwise)
	}
	inside, other := r.condition, r.condition
	inside.some, other.some = true, true
	if c.Needs != "" {
		in := &inside
		if c.Absent {
			in = &other
		}
		in.needs, in.line = append(slices.Clone(in.needs), c.Needs), r.lineOfNode(n)
	}
	first := r.executeBranch(n.body, inside)
	second := r.executeBranch(n.otherwise, other)
	out := result{returns: first.returns || second.returns}
	if first.left && second.left && len(n.otherwise) > 0 {
		out.left = true
		return out
	}
	out.sometimes = first.left || first.sometimes || second.left || second.sometimes
	if first.left && c.Needs != "" { // return unless table_exists?: what follows needs the table
		out.value = Value{Needs: c.Needs, Absent: c.Absent}
	}
	return out
}

// executeBranch runs statements under a condition.
func (r *Run) executeBranch(body []*node, c condition) (out result) {
	outside := r.condition
	r.condition = c
	r.runBranch(func() { out = r.executeBody(body) })
	r.condition = outside
	return out
}

// evaluateForValue evaluates an expression of which only the value matters: a method that it calls is no work.
func (r *Run) evaluateForValue(n *node) Value {
	if n == nil {
		return Value{}
	}
	r.asking++
	v := r.evaluateNode(n)
	r.asking--
	return v
}
