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
	case RelationCreated:
		c.Kind = "add"
		c.Text = newRelation(d.After)
	case RelationDropped:
		c.Kind = "drop"
		c.Text = "drops " + plainKind(d.Before) + " " + d.Before.Name.String()
	case RelationRenamed:
		c.Text = plainKind(d.After) + " is now " + d.After.Name.String()
		if d.Before.Name.Schema != d.After.Name.Schema {
			c.Text = plainKind(d.After) + " moves to schema " + d.After.Name.Schema
			if d.Before.Name.Name != d.After.Name.Name {
				c.Text += " as " + d.After.Name.Name
			}
		}
	case RelationChanged:
		c.Text = d.relationWords()
	case ViewReplaced:
		c.Text = "replaces the query of the " + plainKind(d.After)
	case ColumnAdded, ColumnDropped, ColumnRenamed, ColumnTypeChanged, ColumnSetNotNull, ColumnDropNotNull, ColumnDefaultChanged,
		ColumnIdentityChanged, ColumnGeneratedChanged, ColumnChanged:
		d.columnWords(&c)
	case ConstraintAdded, ConstraintDropped, ConstraintRenamed, ConstraintValidated, ConstraintChanged:
		d.constraintWords(&c)
	case IndexCreated, IndexDropped, IndexRenamed, IndexChanged:
		d.indexWords(&c)
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
	case TriggerCreated, TriggerDropped, TriggerChanged:
		d.triggerWords(&c)
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
	case Granted:
		c.Kind, c.Text = "add", fmt.Sprintf("grants %s to %s", d.Grant.Privilege, d.Grant.Role)
	case Revoked:
		c.Kind, c.Text = "drop", fmt.Sprintf("revokes %s from %s", d.Grant.Privilege, d.Grant.Role)
	case TypeCreated, TypeDropped, TypeRenamed, EnumValueAdded, EnumValueRenamed, DomainChanged:
		d.typeWords(&c)
	case FunctionCreated, FunctionReplaced, FunctionDropped, FunctionRenamed:
		d.functionWords(&c)
	case ObjectCreated, ObjectDropped, ObjectChanged:
		d.objectDeltaWords(&c)
	}
	return c
}

func (d *Delta) otherName() string {
	if d.Other == nil {
		return "?"
	}
	return d.Other.Name.String()
}

func newRelation(r *Relation) string {
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

func (d *Delta) relationWords() string {
	a := d.After
	onOff := func(on bool) string {
		if on {
			return "enables "
		}
		return "disables "
	}
	switch d.What {
	case "persistence":
		if a.Persistence == Unlogged {
			return plainKind(a) + " becomes unlogged"
		}
		return plainKind(a) + " becomes logged"
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

// columnText is a column's definition: "nickname text, nullable".
func columnText(c *Column) string {
	text := c.Name
	if c.Type.Known() {
		text += " " + c.Type.String()
	}
	switch {
	case c.Generated != "":
		text += ", generated " + c.Generated
	case c.Identity != "":
		text += ", identity"
	case c.Default != nil:
		text += ", default " + shorten(c.DefaultText)
	}
	if c.NotNull {
		return text + ", not null"
	}
	return text + ", nullable"
}

// shorten keeps a text on one line.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

func (d *Delta) columnWords(c *onward.Change) {
	name := ""
	if d.New != nil {
		name = d.New.Name
	} else if d.Old != nil {
		name = d.Old.Name
	}
	switch d.Kind {
	case ColumnAdded:
		c.Kind, c.Text = "add", "adds column "+columnText(d.New)
	case ColumnDropped:
		c.Kind, c.Text = "drop", "drops column "+name
		if d.Old.Type.Known() {
			c.Text += " " + d.Old.Type.String()
		}
	case ColumnRenamed:
		c.Text = "column " + d.Old.Name + " is now " + name
	case ColumnTypeChanged:
		c.Text = "column " + name + " becomes " + d.New.Type.String()
		if d.Old.Type.Known() {
			c.Text += " (was " + d.Old.Type.String() + ")"
		}
	case ColumnSetNotNull:
		c.Text = "column " + name + " must not be null"
		if d.New.NotNullInvalid {
			c.Text += ", not validated"
		}
	case ColumnDropNotNull:
		c.Text = "column " + name + " may be null"
	case ColumnDefaultChanged:
		switch {
		case d.New.Default == nil:
			c.Text = "column " + name + " has no default any more"
			if d.Old.DefaultText != "" {
				c.Text += " (was " + shorten(d.Old.DefaultText) + ")"
			}
		case d.Old.Default == nil:
			c.Text = "column " + name + " has default " + shorten(d.New.DefaultText)
		default:
			c.Text = "column " + name + " has default " + shorten(d.New.DefaultText)
			if d.Old.DefaultText != "" {
				c.Text += " (was " + shorten(d.Old.DefaultText) + ")"
			}
		}
	case ColumnIdentityChanged:
		c.Text = "column " + name + " is generated " + d.New.Identity + " as identity"
		if d.New.Identity == "" {
			c.Text = "column " + name + " is no identity column any more"
		}
	case ColumnGeneratedChanged:
		switch {
		case d.New.Generated == "":
			c.Text = "column " + name + " is not generated any more"
		case d.Old.Generated == "":
			c.Text = "column " + name + " is generated"
		default:
			c.Text = "column " + name + " is generated by " + shorten(d.New.DefaultText)
		}
	case ColumnChanged:
		c.Text = "column " + name + " changes " + d.What
		switch d.What {
		case "not null validated":
			c.Text = "validates that column " + name + " is not null"
		case "collation":
			if d.New.Collation != "" {
				c.Text = "column " + name + " has collation " + d.New.Collation
			}
		case "storage":
			c.Text = "column " + name + " has storage " + d.New.Storage
		case "compression":
			c.Text = "column " + name + " has compression " + d.New.Compression
		}
	}
}

func (d *Delta) constraintWords(c *onward.Change) {
	switch d.Kind {
	case ConstraintAdded:
		c.Kind, c.Text = "add", "adds "+d.constraintText(d.NewConstraint, d.After)
		if !d.NewConstraint.Enforced {
			c.Text += ", not enforced"
		} else if !d.NewConstraint.Valid {
			c.Text += ", not validated"
		}
		if d.OldIndex == nil && d.NewIndex != nil && d.Before != nil {
			for _, oid := range d.Before.Indexes {
				if oid == d.NewIndex.OID {
					c.Text += ", using an existing index"
				}
			}
		}
	case ConstraintDropped:
		c.Kind, c.Text = "drop", "drops "+d.OldConstraint.Kind.String()+" "+d.OldConstraint.Name
	case ConstraintRenamed:
		c.Text = d.NewConstraint.Kind.String() + " " + d.OldConstraint.Name + " is now " + d.NewConstraint.Name
	case ConstraintValidated:
		c.Text = "validates " + d.NewConstraint.Kind.String() + " " + d.NewConstraint.Name
	case ConstraintChanged:
		n, o := d.NewConstraint, d.OldConstraint
		c.Text = n.Kind.String() + " " + n.Name
		switch {
		case n.Enforced && !o.Enforced:
			c.Text += " is enforced"
		case !n.Enforced && o.Enforced:
			c.Text += " is not enforced any more"
		case n.NoInherit != o.NoInherit:
			c.Text += " changes inheritance"
		case n.Deferrable && n.InitiallyDeferred:
			c.Text += " is deferrable, initially deferred"
		case n.Deferrable:
			c.Text += " is deferrable"
		default:
			c.Text += " is not deferrable"
		}
	}
}

// constraintText is a constraint's definition in words.
func (d *Delta) constraintText(c *Constraint, t *Relation) string {
	text := c.Kind.String() + " " + c.Name
	columns := ""
	if t != nil {
		columns = strings.Join(t.ColumnNames(c.Columns), ", ")
	}
	switch c.Kind {
	case Check:
		if c.ExprText != "" {
			text += ": " + shorten(c.ExprText)
		}
	case ForeignKey:
		text += ": " + columns + " → " + d.otherName()
		if d.Other != nil && len(c.RefColumns) > 0 {
			text += " (" + strings.Join(d.Other.ColumnNames(c.RefColumns), ", ") + ")"
		}
		if c.OnDelete != "" {
			text += ", on delete " + c.OnDelete
		}
	case NotNullConstraint:
		text += " on " + columns
	default:
		text += " on (" + columns + ")"
	}
	return text
}

func (d *Delta) indexWords(c *onward.Change) {
	switch d.Kind {
	case IndexCreated:
		i := d.NewIndex.Index
		c.Kind, c.Text = "add", "adds "
		if i.Unique {
			c.Text += "unique "
		}
		c.Text += "index " + d.NewIndex.Name.Name + " on (" + indexKeyText(i, d.After) + ")"
		if i.Method != "btree" && i.Method != "" {
			c.Text += " using " + i.Method
		}
		if i.PredicateText != "" {
			c.Text += " where " + shorten(i.PredicateText)
		}
		if i.Concurrent {
			c.Text += ", built concurrently"
		}
		if !i.Valid {
			c.Text += ", not valid until its partitions are attached"
		}
	case IndexDropped:
		c.Kind, c.Text = "drop", "drops index "+d.OldIndex.Name.Name
	case IndexRenamed:
		c.Text = "index " + d.OldIndex.Name.Name + " is now " + d.NewIndex.Name.Name
	case IndexChanged:
		c.Text = "index " + d.NewIndex.Name.Name + " changes " + d.What
		switch d.What {
		case "valid":
			c.Text = "index " + d.NewIndex.Name.Name + " becomes valid"
		case "clustered":
			c.Text = "index " + d.NewIndex.Name.Name + " is the one to cluster on"
			if !d.NewIndex.Index.Clustered {
				c.Text = "index " + d.NewIndex.Name.Name + " is not the one to cluster on any more"
			}
		case "partition of":
			c.Text = "index " + d.NewIndex.Name.Name + " becomes part of a partitioned index"
		}
	}
}

func indexKeyText(i *IndexInfo, t *Relation) string {
	parts := make([]string, 0, len(i.Keys))
	for _, k := range i.Keys {
		s := shorten(k.ExprText)
		if k.Column != 0 && t != nil {
			if c := t.Attr(k.Column); c != nil {
				s = c.Name
			}
		}
		if k.Opclass != "" {
			s += " " + k.Opclass
		}
		if k.Desc {
			s += " desc"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func (d *Delta) triggerWords(c *onward.Change) {
	switch d.Kind {
	case TriggerCreated:
		t := d.NewTrigger
		c.Kind, c.Text = "add", "adds trigger "+t.Name+" "+t.Timing+" "+t.Events
	case TriggerDropped:
		c.Kind, c.Text = "drop", "drops trigger "+d.OldTrigger.Name
	case TriggerChanged:
		o, n := d.OldTrigger, d.NewTrigger
		switch {
		case o.Name != n.Name:
			c.Text = "trigger " + o.Name + " is now " + n.Name
		case o.Enabled && !n.Enabled:
			c.Text = "disables trigger " + n.Name
		case !o.Enabled && n.Enabled:
			c.Text = "enables trigger " + n.Name
		default:
			c.Text = "replaces trigger " + n.Name
		}
	}
}
