package rubycode

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Program is a program that was read.
type Program struct {
	// IsOverBound is set if it cannot be read because it is nested too deep, or too long. Ruby may run it all the same.
	IsOverBound bool

	text  string
	body  []*node
	top   *class
	lines *pgparse.Lines
}

// class is a class or a module with what it defines.
type class struct {
	name    string
	outer   *class
	above   *node
	methods map[string]*node
	// constants has the values of constants, classes the classes inside.
	constants map[string]*node
	classes   map[string]*class
	// calls are the calls in its body.
	calls []*node
}

// Class is a class of a program.
type Class struct {
	// Name is its name; Above is the class that it extends, and Version is the constant text or number in brackets after that.
	Name, Above, Version string

	class *class
}

// Read reads a program. ok is false if the reader does not know its syntax, which is at a line.
func Read(text string) (p *Program, line int, ok bool) {
	p = &Program{text: text, lines: pgparse.NewLines(text)}
	body, read := parseProgram(text)
	p.body, p.IsOverBound = body, read.overBound
	if read.broken {
		line, _ = p.lines.Position(read.brokenAt)
		return p, line, false
	}
	p.top = newClass("", nil)
	p.top.defineMembers(p.body)
	return p, 0, true
}

func newClass(name string, outer *class) *class {
	return &class{name: name, outer: outer, methods: map[string]*node{}, constants: map[string]*node{}, classes: map[string]*class{}}
}

// defineMembers adds what statements define.
func (c *class) defineMembers(body []*node) {
	for _, n := range body {
		switch n.kind {
		case nodeDef:
			c.methods[n.name] = n
		case nodeClass:
			if n.name == "<<" {
				c.defineMembers(n.body)
				continue
			}
			inner := newClass(n.name, c)
			inner.above = n.receiver
			inner.defineMembers(n.body)
			c.classes[n.name] = inner
		case nodeAssign:
			if n.receiver.kind == nodeConst {
				c.constants[n.receiver.name] = n.items[0]
			}
			c.calls = append(c.calls, n)
		case nodeCall:
			if len(n.items) == 1 && n.items[0].kind == nodeDef { // private def a
				c.defineMembers(n.items)
				continue
			}
			c.calls = append(c.calls, n)
		case nodeBegin:
			c.defineMembers(n.body)
		}
	}
}

// ListClasses lists the classes of the program, also those in modules. Classes in classes are left out.
func (p *Program) ListClasses() []*Class {
	var out []*Class
	var visit func(body []*node, c *class)
	visit = func(body []*node, c *class) {
		for _, n := range body {
			if n.kind != nodeClass || n.name == "<<" || c.classes[n.name] == nil {
				continue
			}
			if n.receiver == nil {
				visit(n.body, c.classes[n.name])
				continue
			}
			out = append(out, exportClass(n.name, c.classes[n.name]))
		}
	}
	visit(p.body, p.top)
	return out
}

// exportClass describes a class.
func exportClass(name string, c *class) *Class {
	out := &Class{Name: name, class: c}
	if superclass := c.above; superclass != nil {
		if superclass.kind == nodeCall && superclass.name == "[]" && len(superclass.items) == 1 {
			if v := superclass.items[0]; v.kind == nodeNumber {
				out.Version = v.name
			} else if v.kind == nodeText && len(v.items) == 1 {
				out.Version = v.items[0].value
			}
			superclass = superclass.receiver
		}
		out.Above = strings.TrimPrefix(superclass.name, "::")
	}
	return out
}

// HasCall reports whether the body of a class calls a method.
func (c *Class) HasCall(method string) bool {
	for _, n := range c.class.calls {
		if n.kind == nodeCall && n.name == method {
			return true
		}
	}
	return false
}

// FindClass looks a class up as Ruby does, by scope: in the class of the run, then in the classes around it. It skips classes without a
// superclass. It returns nil for none.
func (r *Run) FindClass(name string) *Class {
	for c := r.class; c != nil; c = c.outer {
		if inner := c.classes[name]; inner != nil && inner.above != nil {
			return exportClass(name, inner)
		}
	}
	return nil
}

// ReadSetting returns the text that the body of a class assigns to self.NAME; ok is false if it assigns something else.
func (c *Class) ReadSetting(name string) (text string, found, ok bool) {
	for _, n := range c.class.calls {
		if n.kind != nodeAssign || n.receiver.kind != nodeCall || n.receiver.name != name {
			continue
		}
		switch v := n.items[0]; {
		case v.kind == nodeText && len(v.items) == 1:
			return v.items[0].value, true, true
		case v.kind == nodeSymbol:
			return v.name, true, true
		}
		return "", true, false
	}
	return "", false, true
}
