package catalog

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

var typeKinds = [...]string{"type", "enum", "domain", "type", "range type", "type"}

func (d *Delta) describeTypeChange(c *onward.Change) {
	t := d.NewType
	if t == nil {
		t = d.OldType
	}
	name := t.Name.String()
	c.Object = "type " + name
	switch d.Kind {
	case TypeCreated:
		c.Kind, c.New, c.Text = "add", true, "new "+typeKinds[t.Kind]+" "+name
		if t.Kind == Enum {
			c.Text += " (" + shortenText(strings.Join(t.Labels, ", ")) + ")"
		}
		if t.Kind == Domain && t.Base.IsKnown() {
			c.Text += " over " + t.Base.String()
		}
	case TypeDropped:
		c.Kind, c.Text = "drop", "drops "+typeKinds[t.Kind]+" "+name
	case TypeRenamed:
		c.Object = "type " + d.OldType.Name.String()
		c.Text = "type is now " + name
	case EnumValueAdded:
		c.Kind, c.Text = "add", "adds value "+d.What
	case EnumValueRenamed:
		c.Text = "renames value " + d.What
	case DomainChanged:
		c.Text = d.What
	}
}

func (d *Delta) describeFunctionChange(c *onward.Change) {
	fn := d.NewFunction
	if fn == nil {
		fn = d.OldFunction
	}
	kind := fn.Kind
	c.Object = kind + " " + fn.Name.String()
	switch d.Kind {
	case FunctionCreated:
		c.Kind, c.New, c.Text = "add", true, "new "+kind+" "+fn.Signature()
	case FunctionReplaced:
		c.Text = "replaces " + kind + " " + fn.Signature()
	case FunctionDropped:
		c.Kind, c.Text = "drop", "drops "+kind+" "+fn.Signature()
	case FunctionRenamed:
		c.Object = kind + " " + d.OldFunction.Name.String()
		c.Text = kind + " is now " + fn.Name.String()
	}
}

func (d *Delta) describeObjectChange(c *onward.Change) {
	o := d.NewObject
	if o == nil {
		o = d.OldObject
	}
	name := o.Name.String()
	c.Object = o.Kind + " " + name
	switch d.Kind {
	case ObjectCreated:
		c.Kind, c.New, c.Text = "add", true, "new "+o.Kind+" "+name
	case ObjectDropped:
		c.Kind, c.Text = "drop", "drops "+o.Kind+" "+name
	case ObjectChanged:
		c.Text = "changes " + o.Kind + " " + name
	}
	switch o.Kind {
	case "default privileges":
		c.Kind, c.New, c.Object, c.Text = "change", false, o.Name.Name, "changes "+o.Name.Name
	case "settings":
		c.Kind, c.New, c.Object, c.Text = "change", false, o.Name.Name, "changes settings of "+o.Name.Name
	case "privileges":
		c.Kind, c.New, c.Object, c.Text = "change", false, o.Name.Name, "changes privileges on "+o.Name.Name
	case "role", "database":
		if d.Kind == ObjectCreated && o.Inferred {
			c.Kind, c.New, c.Text = "change", false, "changes "+o.Kind+" "+name
		}
	}
}
