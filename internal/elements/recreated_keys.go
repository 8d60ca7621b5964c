package elements

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// findKeptKeys finds the keys and indexes of a replaced column that the release drops with it, and creates again on the new column under
// the same names. They need no statement, as ALTER COLUMN … TYPE keeps them.
func (x *replacedColumn) findKeptKeys() {
	for _, c := range x.commands {
		if c.hasHiddenEffects() || len(c.links.makes) == 0 || len(c.links.drops)+len(c.links.writes) > 0 || !x.changesAtMostColumn(c) {
			continue
		}
		recreatingCommands := []*Command{c}
		for key := range c.links.makes {
			drop, ok := x.replacesOldKey(key)
			if !ok {
				recreatingCommands = nil
				break
			}
			if drop != nil && !slices.Contains(recreatingCommands, drop) {
				recreatingCommands = append(recreatingCommands, drop)
			}
		}
		x.again = append(x.again, recreatingCommands...)
	}
}

// changesAtMostColumn reports whether a command changes nothing, or the new column: a primary key makes it NOT NULL.
func (x *replacedColumn) changesAtMostColumn(c *Command) bool {
	for key := range c.links.changes {
		if key != x.fresh.Key {
			return false
		}
	}
	return true
}

// replacesOldKey reports whether a new key or index replaces one of the old column, with the same definition. drop is the command that
// drops the old one alone; nil if it is dropped with the column.
func (x *replacedColumn) replacesOldKey(key Key) (drop *Command, ok bool) {
	index := slices.IndexFunc(x.elements, func(e *Element) bool { return e.By != nil && e.By.Key == key && e.Table == x.old.Table })
	if index < 0 {
		return nil, false
	}
	for _, c := range x.commands {
		if !c.links.drops[x.elements[index].Key] || slices.Contains(x.taken, c) {
			continue
		}
		if drop = c; !c.dropsOnlyPartsOf(x.old.Table) || len(c.links.drops) > 1 {
			return nil, false
		}
	}
	switch old := x.elements[index]; old.Kind {
	case Constraint:
		a, b := findConstraint(x.base, old.ID), findConstraint(x.table, key.ID)
		return drop, a != nil && b != nil && (a.Kind == catalog.PrimaryKey || a.Kind == catalog.Unique) && x.isSameKey(a, b)
	case Index:
		a, b := x.release.base.Relation(catalog.OID(old.ID)), x.head.Relation(catalog.OID(key.ID))
		return drop, a != nil && b != nil && x.isSameIndex(a, b)
	}
	return nil, false
}

func findConstraint(t *catalog.Relation, id int64) *catalog.Constraint {
	for _, con := range t.Constraints {
		if int64(con.ID) == id {
			return con
		}
	}
	return nil
}

// isSameKey compares two keys, of which the second is on the new column.
func (x *replacedColumn) isSameKey(a, b *catalog.Constraint) bool {
	return a.Kind == b.Kind && a.Deferrable == b.Deferrable && a.InitiallyDeferred == b.InitiallyDeferred && a.NullsNotDistinct == b.NullsNotDistinct &&
		a.WithoutOverlaps == b.WithoutOverlaps && slices.Equal(x.replaceAttnum(a.Columns), b.Columns) &&
		x.isSameIndex(x.release.base.Relation(a.Index), x.head.Relation(b.Index))
}

// isSameIndex compares two indexes, of which the second is on the new column. Those with a condition or an expression are different.
func (x *replacedColumn) isSameIndex(a, b *catalog.Relation) bool {
	if a == nil || b == nil || a.Index == nil || b.Index == nil || a.Tablespace != b.Tablespace || len(a.Options)+len(b.Options) > 0 {
		return false
	}
	i, j := a.Index, b.Index
	return i.Method == j.Method && i.Unique == j.Unique && i.NullsNotDistinct == j.NullsNotDistinct && i.Valid && j.Valid &&
		i.Predicate == nil && j.Predicate == nil &&
		slices.Equal(x.replaceAttnum(i.Include), j.Include) && slices.EqualFunc(i.Keys, j.Keys, func(k, l catalog.IndexKey) bool {
		return k.Expr == nil && l.Expr == nil && x.replaceAttnum([]int16{k.Column})[0] == l.Column && k.Opclass == l.Opclass && k.Collation == l.Collation &&
			k.Desc == l.Desc && k.NullsFirst == l.NullsFirst
	})
}

// replaceAttnum returns columns with the new one in the place of the old one.
func (x *replacedColumn) replaceAttnum(columns []int16) []int16 {
	out := slices.Clone(columns)
	for i := range out {
		if out[i] == x.from.Attnum {
			out[i] = x.to.Attnum
		}
	}
	return out
}
