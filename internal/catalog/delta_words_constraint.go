package catalog

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

func (d *Delta) describeConstraintChange(c *onward.Change) {
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
			text += ": " + shortenText(c.ExprText)
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

// indexText describes an index of a relation: its name and keys, and its method and condition unless
// it is a B-tree of all rows.
func indexText(x, r *Relation) string {
	i := x.Index
	text := x.Name.Name + " on (" + indexKeyText(i, r) + ")"
	if i.Method != "btree" && i.Method != "" {
		text += " using " + i.Method
	}
	if i.PredicateText != "" {
		text += " where " + shortenText(i.PredicateText)
	}
	return text
}

func (d *Delta) describeIndexChange(c *onward.Change) {
	switch d.Kind {
	case IndexCreated:
		i := d.NewIndex.Index
		c.Kind, c.Text = "add", "adds "
		if i.Unique {
			c.Text += "unique "
		}
		c.Text += "index " + indexText(d.NewIndex, d.After)
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
		s := shortenText(k.ExprText)
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
		if k.NullsFirst != k.Desc {
			s += " nulls " + map[bool]string{true: "first", false: "last"}[k.NullsFirst]
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func (d *Delta) describeTriggerChange(c *onward.Change) {
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
