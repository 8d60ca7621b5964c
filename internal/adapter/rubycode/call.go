package rubycode

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// evaluateCall returns the value of a call: of a method of the program, of a literal, or of the [Handler].
func (r *Run) evaluateCall(n *node) Value {
	if n.receiver == nil && len(n.items) == 0 && n.block == nil && !n.hasParentheses {
		if v, ok := r.findVariable(n.name); ok {
			return v
		}
	}
	if n.name == "defined?" {
		return Value{}
	}
	c := &Call{Name: n.name}
	if n.receiver != nil {
		c.Receiver = r.evaluateForValue(n.receiver)
		c.HasReceiver = !c.Receiver.IsWord("self")
	}
	if !r.evaluateArguments(n, c) {
		c.Arguments = append(c.Arguments, Value{})
	}
	if !c.HasReceiver {
		if n.name == "yield" {
			return r.callBlock(r.scope.block, c.Arguments)
		}
		if m := r.findMethod(n.name); m != nil {
			return r.callMethod(m, c)
		}
	} else if v, ok := r.callLiteral(n, c); ok {
		return v
	}
	outside := r.call
	r.call = n
	defer func() { r.call = outside }()
	if v, known := r.handler.Call(r, c); known {
		return v
	}
	return r.recordUnknownCall(n, c)
}

// findVariable returns a variable.
func (r *Run) findVariable(name string) (Value, bool) {
	if strings.HasPrefix(name, "@") {
		v := r.fields[name]
		return v, true
	}
	if s, ok := r.scope.findScope(name); ok {
		return s.variables[name], true
	}
	return Value{}, false
}

// findMethod returns a method of the class or of the program.
func (r *Run) findMethod(name string) *node {
	for c := r.class; c != nil; c = c.outer {
		if m := c.methods[name]; m != nil {
			return m
		}
	}
	return nil
}

// evaluateArguments evaluates the arguments and the block of a call. ok is false if their number is not known.
func (r *Run) evaluateArguments(n *node, c *Call) (ok bool) {
	r.asking++
	defer func() { r.asking-- }()
	ok = true
	for i, item := range n.items {
		v := r.evaluateNode(item)
		switch {
		case item.kind == nodeBlockPass:
			c.Block = v
			if v.Kind == Symbol { // &:name
				c.Block = Value{Kind: Proc, block: newSymbolBlock(v.Text), scope: r.scope}
			}
		case item.kind == nodeSplat && v.Kind == Array:
			c.Arguments = append(c.Arguments, v.Items...)
		case item.kind == nodeSplat:
			ok = false
		case i == len(n.items)-1 && v.Kind == Hash, item.kind == nodeHash && item.bare:
			c.Options = v
			if v.Kind == Unknown {
				ok = false
			}
		default:
			c.Arguments = append(c.Arguments, v)
		}
	}
	if n.block != nil {
		c.Block = Value{Kind: Proc, block: n.block, scope: r.scope}
	}
	return ok
}

// newSymbolBlock returns the block that calls a method of its argument.
func newSymbolBlock(name string) *Block {
	return &Block{
		parameters: []parameter{{name: "it"}},
		body:       []*node{{kind: nodeCall, name: name, receiver: &node{kind: nodeCall, name: "it"}}},
	}
}

// callLiteral does a method of a text, a list, a number or a block. ok is false if it is none.
func (r *Run) callLiteral(n *node, c *Call) (v Value, ok bool) {
	switch c.Receiver.Kind {
	case String, Symbol:
		v, ok = callTextMethod(c.Receiver, c.Name, c.Arguments)
		r.bytes += len(v.Text) + valueBytes*len(v.Items)
		return v, ok
	case Array, Hash:
		if c.Block.Kind == Proc {
			return r.callEach(c)
		}
		if slices.Contains([]string{"push", "concat", "<<"}, c.Name) {
			r.setVariable(n.receiver, Value{})
		}
		v, ok = callArrayMethod(c.Receiver, c.Name, c.Arguments)
		r.bytes += len(v.Text) + valueBytes*len(v.Items)
		return v, ok
	case Proc:
		if c.Name == "call" || c.Name == "()" {
			return r.callBlock(c.Receiver, c.Arguments), true
		}
	case Number:
		if count, err := strconv.Atoi(c.Receiver.Text); err == nil && c.Name == "times" && c.Block.Kind == Proc {
			for i := 0; i < count && !r.isExhausted(); i++ {
				r.steps++
				r.callBlock(c.Block, []Value{{Kind: Number, Text: strconv.Itoa(i)}})
			}
			return Value{}, true
		}
		if c.Name == "to_s" {
			return NewString(c.Receiver.Text), true
		}
	}
	return Value{}, false
}

// callEach runs a block for each element of a list.
func (r *Run) callEach(c *Call) (out Value, ok bool) {
	var list [][]Value
	for i, item := range c.Receiver.Items {
		switch {
		case c.Receiver.Kind == Hash && i%2 == 1:
			list = append(list, []Value{c.Receiver.Items[i-1], item})
		case c.Receiver.Kind == Array:
			list = append(list, []Value{item})
		}
	}
	out.Kind = Array
	for i, arguments := range list {
		if r.steps++; r.isExhausted() {
			break
		}
		switch c.Name {
		case "each_with_index":
			arguments = append(arguments, Value{Kind: Number, Text: strconv.Itoa(i)})
			fallthrough
		case "each", "each_pair":
			r.callBlock(c.Block, arguments)
		case "each_key":
			r.callBlock(c.Block, arguments[:1])
		case "map", "collect", "flat_map":
			r.asking++
			out.Items = append(out.Items, r.callBlock(c.Block, arguments))
			r.asking--
		default:
			return Value{}, false
		}
	}
	if strings.HasPrefix(c.Name, "each") {
		return c.Receiver, true
	}
	return out, true
}

// harmless are calls that send no SQL that matters, by their names.
var harmless = lazyregexp.New(`^(?:puts|p|print|pp|say|sleep|require|require_relative|include|extend|binding|attr_\w+|private|logger|info|warn|` +
	`debug|error|reset_column_information|reset_column_information!|reload_schema!?|clear_cache!|reset_sequence_name|table_name=|` +
	`inheritance_column=|ignored_columns=|freeze|dup)$`)

// working matches methods that change rows, or start something that may.
var working = lazyregexp.New(`^(?:save|create|update|delete|destroy|insert|upsert|increment|decrement|toggle|touch|find_each|find_in_batches|in_batches|` +
	`perform|call|run|migrate|backfill|enqueue|execute|import|truncate|change|add|remove|set)(?:!|_\w+!?)?$|!$`)

// recordUnknownCall lists a call that nobody knows.
func (r *Run) recordUnknownCall(n *node, c *Call) Value {
	name := c.describeCall(n)
	reads := strings.HasSuffix(c.Name, "?") || harmless.MatchString(c.Name) || isOperatorName(c.Name)
	listed := false
	switch {
	case r.silent > 0 && c.HasReceiver, reads, c.HasReceiver && c.Receiver.Kind == Unknown && !working.MatchString(c.Name):
	case r.asking > 0 && (c.HasReceiver && !working.MatchString(c.Name) || !c.HasReceiver && c.Block.Kind != Proc && !working.MatchString(c.Name)):
	case c.HasReceiver && c.Receiver.Kind != Constant && c.Receiver.Kind != Unknown:
		// a method of a literal
	case c.HasReceiver:
		r.SkipCall(name, "it works on rows with a model, or runs other code", true)
		listed = true
	default:
		r.SkipCall(name, "its method is defined elsewhere", false)
		listed = true
	}
	if c.Block.Kind == Proc {
		arguments := make([]Value, len(c.Block.block.parameters))
		if listed {
			r.silent++
		}
		outside := r.asking
		r.asking = 0
		r.RunInLoop(c.Block, arguments...)
		r.asking = outside
		if listed {
			r.silent--
		}
	}
	return Value{}
}

func isOperatorName(name string) bool { return name != "" && !isLetter(name[0]) }

// describeCall returns the name of a call with what it belongs to.
func (c *Call) describeCall(n *node) string {
	if n.receiver == nil {
		return n.name
	}
	var parts []string
	for x := n; x != nil && len(parts) < 4; x = x.receiver {
		parts = append(parts, x.name)
	}
	slices.Reverse(parts)
	return strings.TrimPrefix(strings.Join(parts, "."), ".")
}
