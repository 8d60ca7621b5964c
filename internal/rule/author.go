package rule

import "github.com/onward-sql/onward/internal/catalog"

// changes are the changes that the statements of a transaction make, in order, and
// the last statement that touched each relation.
type changes struct {
	byKey map[string][]Delta
	last  map[catalog.OID]*Stmt
}

func (t *Tx) changes() changes {
	return Once(&t.Notes, func() changes {
		out := changes{map[string][]Delta{}, map[catalog.OID]*Stmt{}}
		for _, s := range t.Statements {
			for i := range s.Deltas {
				d := &s.Deltas[i]
				out.byKey[d.Key] = append(out.byKey[d.Key], Delta{d, s})
				out.last[d.OID] = s
			}
		}
		return out
	})
}

// Changes are the changes of one thing that the statements of a transaction make,
// in order.
func (t *Tx) Changes(key string) []Delta { return t.changes().byKey[key] }

// author is the statement that a change at commit is due to: the first that
// made the same kind of change to the same thing, else the last that touched
// the thing, else the last that touched its relation.
func (t *Tx) author(d *catalog.Delta) *Stmt {
	if d.Replaced() {
		return t.replacer(d)
	}
	all := t.Changes(d.Key)
	for _, x := range all {
		if x.Kind == d.Kind {
			return x.By
		}
	}
	if len(all) > 0 {
		return all[len(all)-1].By
	}
	if by := t.changes().last[d.OID]; by != nil && d.OID != 0 {
		return by
	}
	return t.Statements[len(t.Statements)-1]
}

// renamers are the last statements of a transaction that rename a relation.
type renamers map[catalog.OID]*Stmt

// Namer is the statement of a transaction that gives a new relation the name which
// it has at commit: RENAME, or the one that creates it.
func (t *Tx) Namer(d *Delta) *Stmt {
	by := Once(&t.Notes, func() renamers {
		out := renamers{}
		for _, s := range t.Statements {
			for i := range s.Deltas {
				if x := &s.Deltas[i]; x.Kind == catalog.RelationRenamed {
					out[x.OID] = s
				}
			}
		}
		return out
	})[d.OID]
	if by == nil {
		return d.By
	}
	return by
}

// replacer is the statement that completes a change of the column behind a
// name: the last that gave the column its name, or changed in it what differs.
func (t *Tx) replacer(d *catalog.Delta) *Stmt {
	by := t.Statements[len(t.Statements)-1]
	for _, x := range t.Changes(d.Key) {
		if x.Kind == d.Kind || (x.Kind == catalog.ColumnRenamed || x.Kind == catalog.ColumnAdded) && x.New.Name == d.New.Name {
			by = x.By
		}
	}
	return by
}
