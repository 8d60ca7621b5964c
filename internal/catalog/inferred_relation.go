package catalog

import (
	"slices"
	"strings"
)

// changeGuess changes the guess of a relation that no statement created: the columns and
// constraints that it must have had before the current statement.
func (f *fold) changeGuess(r *Relation, change func(*Relation)) {
	guess := Relation{OID: r.OID, Name: r.Name, Kind: r.Kind, Inferred: r.Inferred, Partial: r.Partial, Rare: &plain}
	if old, ok := f.guesses.get(r.OID); ok {
		guess = *old
	}
	change(&guess)
	f.guesses = f.guesses.insertKey(f.own, r.OID, &guess)
}

// FindGuess returns the guess of a relation that no statement created, by the name in the
// first statement that mentioned it; nil for none.
func (c *Catalog) FindGuess(name Name) *Relation {
	oid, ok := c.guessedByName.get(name)
	if !ok {
		return nil
	}
	r, _ := c.guesses.get(oid)
	return r
}

// withGuess returns a relation with what guess has in addition to old: columns, constraints and triggers.
func (r *Relation) withGuess(guess, old *Relation) *Relation {
	if old == nil {
		old = &Relation{}
	}
	next := *r
	for _, c := range guess.Columns {
		if c.Attnum >= r.NextAttnum {
			next.Columns = append(slices.Clip(next.Columns), c)
		} else if ownColumn := next.Attr(c.Attnum); c.NotNull && ownColumn != nil && !ownColumn.NotNull && !slices.Contains(old.Columns, c) {
			next.editColumn(c.Attnum).NotNull = true
		}
	}
	for _, c := range guess.Constraints {
		if !slices.Contains(old.Constraints, c) {
			next.Constraints = append(slices.Clip(next.Constraints), c)
		}
	}
	for _, t := range guess.Triggers {
		if !slices.Contains(old.Triggers, t) {
			next.Triggers = append(slices.Clip(next.Triggers), t)
		}
	}
	return &next
}

// recordDroppedPart notes that a part of an inferred relation was seen to go: it is not
// inferred again.
func (f *fold) recordDroppedPart(r *Relation, kind, name string) {
	if r.Inferred {
		f.markDropped(kind, Name{r.Name.Qualified(), name})
	}
}

// mayHaveUnseenPart reports whether a relation may have a part that no statement made.
func (f *fold) mayHaveUnseenPart(r *Relation, kind, name string) bool {
	if !r.Inferred {
		return false
	}
	_, isDropped := f.gone.get(objectKey{kind, Name{r.Name.Qualified(), name}})
	return !isDropped
}

// inferConstraint finds a constraint that a statement works on and none created. It
// gives nil for a name that tells no kind.
func (f *fold) inferConstraint(t *Relation, name string) *Constraint {
	kind := constraintKindFromName(name)
	if kind == 0 || t.Kind != Table && t.Kind != PartitionedTable || !f.mayHaveUnseenPart(t, "constraint", name) {
		return nil
	}
	c := f.attachConstraint(t, &Constraint{Kind: kind, Name: name, Valid: true, Enforced: true, Inferred: true})
	f.changeGuess(t, func(g *Relation) { g.Constraints = append(slices.Clip(g.Constraints), c) })
	return c
}

// constraintKindFromName is the kind of constraint that the server gives a name of this kind; 0
// for another name.
func constraintKindFromName(name string) ConstraintKind {
	for _, k := range []struct {
		end  string
		kind ConstraintKind
	}{{"_pkey", PrimaryKey}, {"_key", Unique}, {"_fkey", ForeignKey}, {"_check", Check}, {"_excl", Exclude}} {
		if strings.HasSuffix(strings.TrimRight(name, "0123456789"), k.end) {
			return k.kind
		}
	}
	return 0
}

// inferTrigger gives a relation that no statement created the trigger that a
// statement works on.
func (f *fold) inferTrigger(r *Relation, name string) {
	if r.Trigger(name) != nil || !f.mayHaveUnseenPart(r, "trigger", name) {
		return
	}
	t := &Trigger{ID: f.newOID(), Name: name, Enabled: true, Inferred: true}
	r.Triggers = appendShared(f, r.Triggers, t)
	f.changeGuess(r, func(g *Relation) { g.Triggers = append(slices.Clip(g.Triggers), t) })
}

// inferNotNull makes NOT NULL of an inferred column that a statement lets be null.
func (f *fold) inferNotNull(t *Relation, c *Column) {
	if !c.Inferred || c.NotNull || !f.mayHaveUnseenPart(t, "not null", c.Name) {
		return
	}
	f.recordDroppedPart(t, "not null", c.Name)
	f.changeGuess(t, func(g *Relation) {
		guessedColumn := *c
		guessedColumn.NotNull = true
		g.Columns = slices.DeleteFunc(slices.Clone(g.Columns), func(o *Column) bool { return o.Attnum == c.Attnum })
		g.Columns = append(g.Columns, &guessedColumn)
		g.NextAttnum = max(g.NextAttnum, c.Attnum+1)
	})
}
