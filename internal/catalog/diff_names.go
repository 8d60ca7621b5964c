package catalog

import "slices"

// Replaced reports a delta of a column that another column has taken the name
// of: New is not what became of Old, but what is found under its name.
func (d *Delta) Replaced() bool { return d.Old != nil && d.New != nil && d.Old.Attnum != d.New.Attnum }

// ByName gives the deltas as code feels them that knows columns by name. Where a
// name has changed hands within a table (two columns were swapped, or one was
// dropped and another took its name), what became of either column is left out,
// and the column that had the name is compared with the one that has it: its
// type, whether it may be null, what fills it. That a column was dropped, added
// or renamed stays.
func ByName(list []Delta) []Delta {
	var tables []OID
	for i := range list {
		d := &list[i]
		if (d.Kind == ColumnRenamed || d.Kind == ColumnDropped) && d.taken() != nil && !slices.Contains(tables, d.OID) {
			tables = append(tables, d.OID)
		}
	}
	if len(tables) == 0 {
		return list
	}
	out := &differ{out: make([]Delta, 0, len(list)+4)}
	for i := range list {
		d := &list[i]
		if !slices.Contains(tables, d.OID) || d.New == nil || d.Old == nil || d.Kind == ColumnRenamed || !d.changedHands() {
			out.add(*d)
		}
		if (d.Kind == ColumnRenamed || d.Kind == ColumnDropped) && d.taken() != nil {
			now := d.taken()
			x := Delta{OID: d.OID, Before: d.Before, After: d.After, Old: d.Old, New: now, Key: columnKey(d.OID, now.Attnum)}
			out.facets(x, d.Old, now, d.After)
		}
	}
	return out.out
}

// taken is the column that has the name of a delta's old one in its place; nil
// when none has. Only tables are asked for: a view's columns are its query's.
func (d *Delta) taken() *Column {
	if d.After == nil || !d.Before.Kind.IsTable() && d.Before.Kind != ForeignTable {
		return nil
	}
	if c := d.After.Column(d.Old.Name); c != nil && c.Attnum != d.Old.Attnum && !c.Inferred {
		return c
	}
	return nil
}

// changedHands reports whether either name of a column was or is another's.
func (d *Delta) changedHands() bool {
	was, is := d.Before.Column(d.New.Name), d.After.Column(d.Old.Name)
	return was != nil && was.Attnum != d.New.Attnum || is != nil && is.Attnum != d.Old.Attnum
}
