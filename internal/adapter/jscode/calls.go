package jscode

// readCall reads a use of a receiver at i, and returns its last token.
func (r *reader) readCall(i int) int {
	v, next := r.parseChain(i, 0)
	last := max(i, next-1)
	if v.Kind != Chain || len(v.Links) < 2 && !v.Links[0].Called {
		r.addUnread(i, r.callName(i), "the object may be used elsewhere")
		return i
	}
	call, after := cutAtThen(v)
	t := r.form.Translate(call)
	switch {
	case t.Idle:
	case t.Why != "":
		r.addUnread(i, r.callName(i), t.Why)
	case r.form.Lazy && !r.isAwaited(i) && len(after) == 0:
		r.addUnread(i, r.callName(i), "it sends nothing, because nothing awaits it")
	case t.Opens:
		r.blocks++
		r.block = r.blocks
	case t.Body != nil:
		r.readCallback(t.Body, t)
	default:
		for _, s := range t.Statements {
			r.addStatement(s, i)
		}
	}
	for _, f := range after {
		r.readCallback(f, Translation{})
	}
	return last
}

// cutAtThen returns a chain without its calls of then and catch, and the functions that it gives to then.
func cutAtThen(v Value) (Value, []*Function) {
	for n, l := range v.Links {
		if n == 0 || !l.Called || l.Name != "then" && l.Name != "catch" && l.Name != "finally" {
			continue
		}
		var after []*Function
		for _, l := range v.Links[n:] {
			if l.Name == "then" && len(l.Arguments) > 0 && l.Arguments[0].Kind == Callback {
				after = append(after, l.Arguments[0].Function)
			}
		}
		v.Links = v.Links[:n]
		return v, after
	}
	return v, nil
}

// readCallback reads a function that runs once.
func (r *reader) readCallback(f *Function, t Translation) {
	block := r.block
	if t.InTransaction {
		r.blocks++
		r.block = r.blocks
	}
	var names []string
	for _, n := range t.Senders {
		if n < len(f.Parameters) && f.Parameters[n] != "" {
			names = append(names, f.Parameters[n])
		}
	}
	r.readFunction(f, append(names, r.receivers...))
	r.block = block
}

// readFunction reads the body of a function in which these names are receivers.
func (r *reader) readFunction(f *Function, receivers []string) {
	if r.nested >= maxDepth {
		r.addUnread(f.from, "function", "it is nested too deep")
		return
	}
	outside := r.receivers
	r.receivers = receivers
	r.readBody(f.from, f.to)
	r.receivers = outside
}

// isAwaited reports whether the value that begins at token i is awaited, returned, or in a list of such.
func (r *reader) isAwaited(i int) bool {
	for _, before := range [...]string{"await", "return", "=>", "[", ","} {
		if r.isSpelled(i-1, before) {
			return true
		}
	}
	return false
}

// helperAt returns the function of the program whose call begins at token i with a receiver among its arguments: fill(q),
// this.fill(q). It is nil if it is none.
func (r *reader) helperAt(i int) *Function {
	if r.tokens[i].kind != word || r.isSpelled(i-1, ".") && !r.isSpelled(i-2, "this") || !r.isSpelled(i+1, "(") {
		return nil
	}
	f := r.functions[r.tokenText(i)]
	if f == nil || i >= f.from && i < f.to {
		return nil
	}
	for a := i + 2; a < r.findClosing(i+1) && r.spend(1); a = r.skipExpression(a) + 1 {
		if r.isReceiver(a) && (r.isSpelled(a+1, ",") || r.isSpelled(a+1, ")")) {
			return f
		}
	}
	return nil
}

// readHelper reads the function whose call begins at token i, and returns the call's last token.
func (r *reader) readHelper(i int) int {
	f, end := r.functions[r.tokenText(i)], r.findClosing(i+1)
	var receivers []string
	for n, a := 0, i+2; a < end && r.spend(1); n, a = n+1, r.skipExpression(a)+1 {
		if !r.isReceiver(a) || !r.isSpelled(a+1, ",") && !r.isSpelled(a+1, ")") {
			continue
		}
		if n >= len(f.Parameters) || f.Parameters[n] == "" {
			r.addUnread(i, r.tokenText(i), "its parameters are a pattern")
			return end
		}
		receivers = append(receivers, f.Parameters[n])
	}
	r.readFunction(f, append(receivers, r.form.Receivers...))
	return end
}
