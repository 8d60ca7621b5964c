package rubycode

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Handler knows the methods that a program calls and does not define.
type Handler interface {
	// Call does a call. known is false if the handler does not know the method.
	Call(r *Run, c *Call) (v Value, known bool)
}

// Call is a call of a method.
type Call struct {
	// Receiver is what the method belongs to; HasReceiver is false for one of the class itself.
	Receiver    Value
	HasReceiver bool
	Name        string
	Arguments   []Value
	// Options is the hash at the end of the arguments.
	Options Value
	// Block is its block; Unknown if it has none.
	Block Value
}

// Unread is a call of which it is not known what it does.
type Unread struct {
	// Line and Column count from 1.
	Line, Column int
	// Call is its name, such as "User.find_each". Why says what hides its work.
	Call, Why string
	// Rows is set if it works on rows, not on the schema. Exhausted is set if the run ended at a bound: what comes after is not known.
	Rows, Exhausted bool
}

// The bounds of a run: how many nodes it reads, and how many bytes of text and statements it makes.
const (
	mostSteps = 400_000
	mostBytes = 32 << 20
	mostParts = 20_000
	mostCalls = 25
	// valueBytes is what an element of a list takes.
	valueBytes = 160
)

// condition is what has to hold for a call.
type condition struct {
	// some is set if it is under a condition, loop if it may run more than once.
	some, loop bool
	// needs are tables that must exist, and line is the condition that says so.
	needs []string
	line  int
}

// Run is one run of a method of a program.
type Run struct {
	// Parts has the SQL in the order of the calls, Unread the calls whose work is not known.
	Parts  []script.Part
	Unread []Unread

	handler   Handler
	program   *Program
	class     *class
	scope     *scope
	fields    map[string]Value
	condition condition
	// call is the innermost call of the program that the handler does.
	call *node
	// asking counts the expressions around whose value only matters.
	asking int
	// silent counts the blocks of unknown calls around: the call itself is listed.
	silent int
	// block is the transaction that the program opened; blocks counts them.
	block, blocks int
	steps, bytes  int
	calls         int
	// assigned are the variables that were assigned, in order.
	assigned []assigned
	// leaving is set after a block of the running method that may have left the method.
	leaving bool
	// unreadSchema is set if a call in Unread may change the schema.
	unreadSchema bool
	lines        *pgparse.Lines
}

// assigned is an assignment.
type assigned struct {
	scope *scope
	name  string
}

// scope has the variables of a method or a block.
type scope struct {
	variables map[string]Value
	outer     *scope
	// block is the block of the method's call.
	block Value
}

func (s *scope) findScope(name string) (*scope, bool) {
	for ; s != nil; s = s.outer {
		if _, ok := s.variables[name]; ok {
			return s, true
		}
	}
	return nil, false
}

// Run runs a method of a class with a handler. found is false if the class does not have it.
func (p *Program) Run(c *Class, method string, h Handler) (r *Run, found bool) {
	r = &Run{handler: h, program: p, class: c.class, fields: map[string]Value{}, lines: p.lines}
	m := c.class.methods[method]
	if m == nil {
		return r, false
	}
	r.callMethod(m, &Call{Name: method})
	if r.isExhausted() {
		r.Parts, r.Unread = nil, []Unread{{Line: 1, Column: 1, Call: method, Why: "the program is too long to read", Exhausted: true}}
	}
	return r, true
}

// RunBody runs the statements of the program itself with a handler.
func (p *Program) RunBody(h Handler) *Run {
	r := &Run{handler: h, program: p, class: p.top, scope: &scope{variables: map[string]Value{}}, fields: map[string]Value{}, lines: p.lines}
	r.executeBody(p.body)
	if r.isExhausted() {
		r.Unread = append(r.Unread, Unread{Line: 1, Column: 1, Call: "program", Why: "the program is too long to read", Exhausted: true})
	}
	return r
}

// isExhausted reports whether the run has reached a bound.
func (r *Run) isExhausted() bool {
	return r.steps > mostSteps || r.bytes > mostBytes || len(r.Parts) > mostParts || len(r.Unread) > mostParts
}

// SendSQL adds SQL that the current call sends. text is the value that has it, if the program has the same bytes. conditional is set if the
// call may leave it out.
func (r *Run) SendSQL(sql string, text Value, conditional bool) {
	p := script.Part{SQL: strings.TrimSpace(sql), Start: -1, Message: true, Block: r.block}
	r.bytes += len(sql)
	if p.SQL == "" || r.isExhausted() {
		return
	}
	origin := r.call
	if text.from != nil {
		origin = text.from
		if part := adapter.TrimmedPart(r.program.text, origin.content, min(len(r.program.text), origin.content+len(text.Text))); origin.raw && part.SQL == p.SQL {
			p.Start = part.Start
		}
	}
	if origin != nil {
		p.Line, p.Column = r.lines.Position(origin.start)
		p.EndLine, p.EndColumn = r.lines.Position(max(origin.start, origin.end))
	}
	p.Conditional, p.Loop, p.Needs, p.NeedsAt = r.condition.some || conditional, r.condition.loop, r.condition.needs, r.condition.line
	p.AfterUnread = r.unreadSchema
	r.Parts = append(r.Parts, p)
}

// CallPosition returns where the current call begins and ends, with its block.
func (r *Run) CallPosition() (line, column, endLine, endColumn int) {
	if r.call == nil {
		return 1, 1, 1, 1
	}
	line, column = r.lines.Position(r.call.start)
	endLine, endColumn = r.lines.Position(max(r.call.start, r.call.end))
	return line, column, endLine, endColumn
}

// SkipCall adds a call of which it is not known what it does.
func (r *Run) SkipCall(call, reason string, rows bool) {
	u := Unread{Call: call, Why: reason, Line: 1, Column: 1, Rows: rows}
	if r.call != nil {
		u.Line, u.Column = r.lines.Position(r.call.start)
	}
	r.unreadSchema = r.unreadSchema || !rows
	r.Unread = append(r.Unread, u)
}

// IsConditional reports whether what runs now is under a condition or in a loop.
func (r *Run) IsConditional() bool { return r.condition.some || r.condition.loop }

// RunBlock runs a block with arguments, as part of the current call.
func (r *Run) RunBlock(block Value, arguments ...Value) Value { return r.callBlock(block, arguments) }

// RunInLoop runs a block that may run any number of times.
func (r *Run) RunInLoop(block Value, arguments ...Value) {
	outside := r.condition
	r.condition.some, r.condition.loop = true, true
	r.runBranch(func() { r.callBlock(block, arguments) })
	r.condition = outside
}

// RunSometimes runs a block that may not run.
func (r *Run) RunSometimes(block Value, arguments ...Value) {
	outside := r.condition
	r.condition.some = true
	r.runBranch(func() { r.callBlock(block, arguments) })
	r.condition = outside
}

// RunInTransaction runs a block in a transaction that the program opens.
func (r *Run) RunInTransaction(block Value) {
	outside := r.block
	if outside == 0 {
		r.blocks++
		r.block = r.blocks
	}
	r.callBlock(block, nil)
	r.block = outside
}

// runBranch does something that may not happen: what it assigns is not known afterwards.
func (r *Run) runBranch(branch func()) {
	from := len(r.assigned)
	branch()
	for _, a := range r.assigned[from:] {
		if a.scope == nil {
			r.fields[a.name] = Value{}
		} else {
			a.scope.variables[a.name] = Value{}
		}
	}
}

// callBlock calls a block or a lambda.
func (r *Run) callBlock(v Value, arguments []Value) Value {
	if v.native != nil {
		v.native()
	}
	if v.Kind != Proc || v.block == nil || r.calls >= mostCalls*4 {
		return Value{}
	}
	outside := r.scope
	defer func() { r.scope = outside }()
	r.calls++
	defer func() { r.calls-- }()
	r.scope = &scope{variables: map[string]Value{}, outer: v.scope}
	if v.scope != nil {
		r.scope.block = v.scope.block
	}
	if len(arguments) == 1 && arguments[0].Kind == Array && len(v.block.parameters) > 1 {
		arguments = arguments[0].Items
	}
	r.bindParameters(v.block.parameters, arguments, Value{})
	if len(v.block.parameters) == 0 && len(arguments) > 0 {
		r.scope.variables["it"], r.scope.variables["_1"] = arguments[0], arguments[0]
	}
	out := r.executeBody(v.block.body)
	r.leaving = r.leaving || out.returns
	return out.value
}

// bindParameters sets parameters.
func (r *Run) bindParameters(list []parameter, arguments []Value, options Value) {
	n := 0
	for _, p := range list {
		v, isBound := Value{}, false
		switch p.kind {
		case 0:
			if n < len(arguments) {
				v, isBound = arguments[n], true
				n++
			}
		case 'k':
			v, isBound = options.GetKey(p.name)
		case '(':
			if n < len(arguments) {
				for k, name := range p.value.items {
					var item Value
					if k < len(arguments[n].Items) {
						item = arguments[n].Items[k]
					}
					r.scope.variables[name.name] = item
				}
				n++
			}
			continue
		}
		if !isBound && p.value != nil {
			v = r.evaluateNode(p.value)
		}
		if p.name != "" {
			r.scope.variables[p.name] = v
		}
	}
}

// callMethod calls a method of the program.
func (r *Run) callMethod(m *node, c *Call) Value {
	if r.calls >= mostCalls {
		r.SkipCall(c.Name, "it is nested too deep", false)
		return Value{}
	}
	outside, before, leaving := r.scope, r.condition, r.leaving
	defer func() { r.scope, r.condition, r.leaving = outside, before, leaving }()
	asking := r.asking
	r.asking, r.leaving = 0, false
	r.calls++
	defer func() { r.calls, r.asking = r.calls-1, asking }()
	r.scope = &scope{variables: map[string]Value{}, block: c.Block}
	arguments := c.Arguments
	if c.Options.Kind == Hash && !takesOptions(m.block.parameters) {
		arguments = append(arguments[:len(arguments):len(arguments)], c.Options)
	}
	r.bindParameters(m.block.parameters, arguments, c.Options)
	for _, p := range m.block.parameters {
		if p.kind == '&' && p.name != "" {
			r.scope.variables[p.name] = c.Block
		}
	}
	return r.executeBody(m.block.body).value
}

func takesOptions(list []parameter) bool {
	for _, p := range list {
		if p.kind == 'k' || p.kind == '*' {
			return true
		}
	}
	return false
}
