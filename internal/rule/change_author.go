package rule

import (
	"iter"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// changes are the changes by the statements of a transaction, in order, and the last
// statement that touched each relation.
type changes struct {
	byKey map[string][]Delta
	last  map[catalog.OID]*Stmt
}

func (t *Tx) changesByKey() changes {
	return BuildOnce(&t.Notes, func() changes {
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

// Changes returns the changes to one object by the statements of a transaction, in order.
func (t *Tx) Changes(key string) []Delta { return t.changesByKey().byKey[key] }

// DeployedChanges iterates over the changes of some kinds at a commit, of relations that the
// deployed code can know; over all changes if no kind is given.
func (p *Pass) DeployedChanges(t *Tx, kinds ...catalog.DeltaKind) iter.Seq[*Delta] {
	return func(yield func(*Delta) bool) {
		for i := range t.Deltas {
			if d := &t.Deltas[i]; (len(kinds) == 0 || slices.Contains(kinds, d.Kind)) && p.IsDeployed(d) && !yield(d) {
				return
			}
		}
	}
}

// EachChange iterates over the changes at the commits of a migration.
func (m *Migration) EachChange() iter.Seq2[*Tx, *Delta] {
	return func(yield func(*Tx, *Delta) bool) {
		for _, t := range m.Txs {
			for i := range t.Deltas {
				if !yield(t, &t.Deltas[i]) {
					return
				}
			}
		}
	}
}

// TableName returns the name of a changed table when the statement runs. Another statement of
// the transaction may rename it before or after.
func (d *Delta) TableName() catalog.Name {
	if d.By != nil && d.By.Before != nil {
		if r := d.By.Before.Relation(d.OID); r != nil {
			return r.Name
		}
	}
	return d.Before.Name
}

// findAuthor returns the statement that caused a change at commit: the first that made the
// same kind of change to the same object, else the last that touched the object, else the
// last that touched its relation.
func (t *Tx) findAuthor(d *catalog.Delta) *Stmt {
	if d.IsColumnReplaced() {
		return t.findReplacer(d)
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
	if author := t.changesByKey().last[d.OID]; author != nil && d.OID != 0 {
		return author
	}
	return t.Statements[len(t.Statements)-1]
}

// renamers maps relations to the last statement of a transaction that renames them.
type renamers map[catalog.OID]*Stmt

// FindNamer returns the statement that gives a new relation its name at commit: RENAME, or
// the statement that creates it.
func (t *Tx) FindNamer(d *Delta) *Stmt {
	renamer := BuildOnce(&t.Notes, func() renamers {
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
	if renamer == nil {
		return d.By
	}
	return renamer
}

// findReplacer returns the statement that completes the replacement of a column by another
// one of the same name: the last that gave the column its name, or made the change in
// question.
func (t *Tx) findReplacer(d *catalog.Delta) *Stmt {
	replacer := t.Statements[len(t.Statements)-1]
	for _, x := range t.Changes(d.Key) {
		if x.Kind == d.Kind || (x.Kind == catalog.ColumnRenamed || x.Kind == catalog.ColumnAdded) && x.New.Name == d.New.Name {
			replacer = x.By
		}
	}
	return replacer
}
