package catalog

import "slices"

// IsColumnReplaced reports whether another column has taken the name of a delta's column. New is
// then not the changed Old, but the column that has its name now.
func (d *Delta) IsColumnReplaced() bool {
	return d.Old != nil && d.New != nil && d.Old.Attnum != d.New.Attnum
}

// ByName returns the deltas as seen by code that refers to columns by name. If a name in
// a table now means another column (two columns were swapped, or one was dropped and
// another took its name), the changes of either column are left out. Instead, the column
// that had the name is compared with the column that has it now: its type, whether it may
// be null, and its source of values. The deltas about dropped, added and renamed columns
// stay.
func ByName(list []Delta) []Delta {
	var tables []OID
	for i := range list {
		d := &list[i]
		if (d.Kind == ColumnRenamed || d.Kind == ColumnDropped) && d.findReplacement() != nil && !slices.Contains(tables, d.OID) {
			tables = append(tables, d.OID)
		}
	}
	if len(tables) == 0 {
		return list
	}
	out := &catalogDiff{out: make([]Delta, 0, len(list)+4)}
	for i := range list {
		d := &list[i]
		if !slices.Contains(tables, d.OID) || d.New == nil || d.Old == nil || d.Kind == ColumnRenamed || !d.isNameReused() {
			out.addDelta(*d)
		}
		if (d.Kind == ColumnRenamed || d.Kind == ColumnDropped) && d.findReplacement() != nil {
			now := d.findReplacement()
			x := Delta{OID: d.OID, Before: d.Before, After: d.After, Old: d.Old, New: now, Key: columnKey(d.OID, now.Attnum)}
			out.compareColumnTraits(x, d.Old, now, d.After)
		}
	}
	return out.out
}

// findReplacement returns the column that now has the name of a delta's old column; nil
// if there is none. Views have none: their columns come from their query.
func (d *Delta) findReplacement() *Column {
	if d.After == nil || !d.Before.Kind.IsTable() && d.Before.Kind != ForeignTable {
		return nil
	}
	if c := d.After.Column(d.Old.Name); c != nil && c.Attnum != d.Old.Attnum && !c.Inferred {
		return c
	}
	return nil
}

// isNameReused reports whether either name of a column was or is another's.
func (d *Delta) isNameReused() bool {
	old, current := d.Before.Column(d.New.Name), d.After.Column(d.Old.Name)
	return old != nil && old.Attnum != d.New.Attnum || current != nil && current.Attnum != d.Old.Attnum
}
