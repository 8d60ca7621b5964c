package catalog

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Words is the delta as a sentence of the changelog, in lower case and
// Postgres' words: object "users", text "adds column nickname text".
func (d *Delta) Words() onward.Change {
	c := onward.Change{Object: d.Name().String(), Kind: "change", New: d.Before == nil && d.Kind == RelationCreated}
	switch d.Kind {
	case RelationCreated, RelationDropped, RelationRenamed, RelationChanged, ViewReplaced:
		d.describeRelationChange(&c)
	case ColumnAdded, ColumnDropped, ColumnRenamed, ColumnTypeChanged, ColumnSetNotNull, ColumnDropNotNull, ColumnDefaultChanged,
		ColumnIdentityChanged, ColumnGeneratedChanged, ColumnChanged:
		d.describeColumnChange(&c)
	case ConstraintAdded, ConstraintDropped, ConstraintRenamed, ConstraintValidated, ConstraintChanged:
		d.describeConstraintChange(&c)
	case IndexCreated, IndexDropped, IndexRenamed, IndexChanged:
		d.describeIndexChange(&c)
	case PartitionAttached, PartitionDetached, InheritanceChanged:
		d.describeHierarchyChange(&c)
	case TriggerCreated, TriggerDropped, TriggerChanged:
		d.describeTriggerChange(&c)
	case PolicyCreated:
		c.Kind, c.Text = "add", "adds policy "+d.What
	case PolicyDropped:
		c.Kind, c.Text = "drop", "drops policy "+d.What
	case PolicyChanged:
		c.Text = "changes policy " + d.What
	case RuleCreated:
		c.Kind, c.Text = "add", "adds rule "+d.What
	case RuleDropped:
		c.Kind, c.Text = "drop", "drops rule "+d.What
	case RuleChanged:
		c.Text = "changes rule " + d.What
	case Granted:
		c.Kind, c.Text = "add", fmt.Sprintf("grants %s to %s", d.Grant.Privilege, d.Grant.Role)
	case Revoked:
		c.Kind, c.Text = "drop", fmt.Sprintf("revokes %s from %s", d.Grant.Privilege, d.Grant.Role)
	case TypeCreated, TypeDropped, TypeRenamed, EnumValueAdded, EnumValueRenamed, DomainChanged:
		d.describeTypeChange(&c)
	case FunctionCreated, FunctionReplaced, FunctionDropped, FunctionRenamed:
		d.describeFunctionChange(&c)
	case ObjectCreated, ObjectDropped, ObjectChanged:
		d.describeObjectChange(&c)
	}
	return c
}

func (d *Delta) describeRelationChange(c *onward.Change) {
	switch d.Kind {
	case RelationCreated:
		c.Kind = "add"
		c.Text = describeNewRelation(d.After)
	case RelationDropped:
		c.Kind = "drop"
		c.Text = "drops " + d.Before.Kind.ForMessages() + " " + d.Before.Name.String()
	case RelationRenamed:
		c.Text = d.After.Kind.ForMessages() + " is now " + d.After.Name.String()
		if d.Before.Name.Schema != d.After.Name.Schema {
			c.Text = d.After.Kind.ForMessages() + " moves to schema " + d.After.Name.Schema
			if d.Before.Name.Name != d.After.Name.Name {
				c.Text += " as " + d.After.Name.Name
			}
		}
	case RelationChanged:
		c.Text = d.describePropertyChange()
	case ViewReplaced:
		c.Text = "replaces the query of the " + d.After.Kind.ForMessages()
	}
}

func (d *Delta) describeHierarchyChange(c *onward.Change) {
	switch d.Kind {
	case PartitionAttached:
		c.Kind, c.Text = "add", "attaches partition "+d.otherName()
		if d.Other != nil && d.Other.Bound != "" {
			c.Text += " " + d.Other.Bound
		}
	case PartitionDetached:
		c.Kind, c.Text = "drop", "detaches partition "+d.otherName()
	case InheritanceChanged:
		c.Text = "no longer inherits from " + d.otherName()
		for _, oid := range d.After.Inherits {
			if d.Other != nil && oid == d.Other.OID {
				c.Text = "inherits from " + d.otherName()
			}
		}
	}
}

func (d *Delta) otherName() string {
	if d.Other == nil {
		return "?"
	}
	return d.Other.Name.String()
}

func describeNewRelation(r *Relation) string {
	name := r.Name.String()
	switch r.Kind {
	case Sequence:
		return "new sequence " + name
	case View, MaterializedView:
		return "new " + r.Kind.String() + " " + name
	case CompositeType:
		return "new type " + name
	}
	text := "new "
	switch {
	case r.Persistence == Temporary:
		text += "temporary "
	case r.Persistence == Unlogged:
		text += "unlogged "
	}
	if r.Parent != 0 {
		return text + "partition " + name + " " + r.Bound
	}
	text += r.Kind.String() + " " + name
	switch n := len(r.Columns); {
	case r.Partial:
	case n == 1:
		text += " (1 column)"
	default:
		text += fmt.Sprintf(" (%d columns)", n)
	}
	return text
}

func (d *Delta) describePropertyChange() string {
	a := d.After
	onOff := func(enabled bool) string {
		if enabled {
			return "enables "
		}
		return "disables "
	}
	switch d.What {
	case "persistence":
		if a.Persistence == Unlogged {
			return a.Kind.ForMessages() + " becomes unlogged"
		}
		return a.Kind.ForMessages() + " becomes logged"
	case "row level security":
		return onOff(a.RLS) + d.What
	case "forced row level security":
		return onOff(a.ForceRLS) + d.What
	case "replica identity":
		if a.ReplicaIdentity == "" {
			return "replica identity is now the default"
		}
		return "replica identity is now " + a.ReplicaIdentity
	case "owner":
		return "owner is now " + a.Owner
	case "tablespace":
		return "moves to tablespace " + a.Tablespace
	case "access method":
		return "access method is now " + a.AccessMethod
	case "sequence type":
		return "sequence becomes " + Type{Name: Name{"pg_catalog", a.Seq.Type}}.String()
	case "data":
		if a.View.Filled {
			return "is filled with data"
		}
		return "is emptied"
	}
	return "changes " + d.What
}

// shortenText keeps a text on one line.
func shortenText(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
