package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// addConstraint adds a constraint of ALTER TABLE … ADD, and gives it to
// partitions and children.
func (f *fold) addConstraint(t *Relation, con *pgparse.Constraint, only bool) {
	s := constraintSpec{node: con}
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_CHECK:
		if c := f.addCheck(t, s, false); c != nil && !c.NoInherit && !only {
			f.inheritConstraint(t, c)
		}
	case pgparse.ConstrType_CONSTR_NOTNULL:
		f.addNotNull(t, s, false)
		if !only && !con.GetIsNoInherit() {
			f.eachChild(t, func(child *Relation) {
				for _, name := range pgparse.StringTexts(con.GetKeys()) {
					if c := child.Column(name); c != nil && !c.NotNull {
						f.setNotNull(child, c.Attnum, con.GetSkipValidation())
					}
				}
			})
		}
	case pgparse.ConstrType_CONSTR_FOREIGN:
		f.addForeignKey(t, s, false)
	case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		if con.GetIndexname() != "" {
			f.addUsingIndex(t, con)
			return
		}
		f.addIndexConstraints(t, []constraintSpec{s}, only)
	}
}

// refuseDuplicateConstraint reports a constraint of a chosen name that the table has already.
func (f *fold) refuseDuplicateConstraint(t *Relation, name string) bool {
	c := t.Constraint(name)
	if c == nil {
		return false
	}
	f.addConflict(!c.Inferred, pgerror.ConstraintExists, name, t.Name.Name)
	if !f.failed {
		// Something unseen dropped the old one.
		f.forgetConstraint(t, c)
		return false
	}
	return true
}

// attachConstraint numbers a constraint and hangs it on its table.
func (f *fold) attachConstraint(t *Relation, c *Constraint) *Constraint {
	f.countMade(1)
	c.ID = f.newOID()
	t.Constraints = appendShared(f, t.Constraints, c)
	return c
}

func (f *fold) addCheck(t *Relation, s constraintSpec, created bool) *Constraint {
	con := s.node
	c := &Constraint{
		Kind: Check, Name: clipName(con.GetConname()), Expr: con.GetRawExpr(), ExprText: bracketText(f.sql, con.GetLocation()),
		NoInherit: con.GetIsNoInherit(), Enforced: con.GetIsEnforced() && !s.notEnforced, Named: con.GetConname() != "",
	}
	c.Valid = c.Enforced && (created || !con.GetSkipValidation())
	f.inferColumns(t, con.GetRawExpr())
	f.using = true
	c.Columns = t.attnumsIn(con.GetRawExpr())
	if c.Name == "" {
		column := ""
		if len(c.Columns) == 1 {
			column = t.Attr(c.Columns[0]).Name
		}
		c.Name = f.chooseConstraintName(t.Name.Schema, t.Name.Name, column, "check", t.Constraints)
	} else if have := t.Constraint(c.Name); have != nil {
		if have.Parent && have.Kind == Check {
			// The child's own copy merges with the parent's.
			return nil
		}
		if f.refuseDuplicateConstraint(t, c.Name) {
			return nil
		}
	}
	return f.attachConstraint(t, c)
}

// inferColumns gives a table that was not seen whole the columns that an expression
// reads.
func (f *fold) inferColumns(t *Relation, expr *pgparse.Node) {
	if !t.Inferred && !t.Partial {
		return
	}
	for _, name := range ColumnsIn(expr) {
		if t.Column(name) == nil && !slices.Contains(t.DroppedColumns, name) {
			f.attachColumn(t, &Column{Name: name, Inferred: true, Local: true, RareColumn: &plainColumn})
		}
	}
}

// attnumsIn are the columns of the relation that an expression reads, in the
// order of their appearance, each once.
func (r *Relation) attnumsIn(expr *pgparse.Node) []int16 {
	var out []int16
	for _, name := range ColumnsIn(expr) {
		if c := r.Column(name); c != nil && !slices.Contains(out, c.Attnum) {
			out = append(out, c.Attnum)
		}
	}
	return out
}

// addNotNull adds a NOT NULL constraint that has a name or is a table constraint
// (Postgres 18).
func (f *fold) addNotNull(t *Relation, s constraintSpec, created bool) {
	con := s.node
	names := s.columns
	if len(names) == 0 {
		names = pgparse.StringTexts(con.GetKeys())
	}
	for _, name := range names {
		col := f.requireRelationColumn(t, name, &pgerror.ColumnMissing)
		if col == nil {
			continue
		}
		invalid := con.GetSkipValidation() && !created
		if !col.NotNull {
			f.setNotNull(t, col.Attnum, invalid)
		}
		cname := clipName(con.GetConname())
		if cname == "" {
			if len(s.columns) > 0 {
				continue
			}
			cname = f.chooseConstraintName(t.Name.Schema, t.Name.Name, name, "not_null", t.Constraints)
		} else if t.Constraint(cname) != nil && f.refuseDuplicateConstraint(t, cname) {
			continue
		}
		f.attachConstraint(t, &Constraint{
			Kind: NotNullConstraint, Name: cname, Columns: []int16{col.Attnum}, Valid: !invalid, Enforced: true,
			NoInherit: con.GetIsNoInherit(), Named: con.GetConname() != "",
		})
		if con.GetIsNoInherit() {
			continue
		}
		f.eachChild(t, func(child *Relation) {
			childColumn := child.Column(col.Name)
			if childColumn == nil || childColumn.NotNull {
				return // it has one already, which goes by its own name
			}
			f.setNotNull(child, childColumn.Attnum, invalid)
			if child.Constraint(cname) == nil {
				f.attachConstraint(child, &Constraint{
					Kind:     NotNullConstraint,
					Name:     cname,
					Columns:  []int16{childColumn.Attnum},
					Valid:    !invalid,
					Enforced: true,
					Parent:   true,
					Named:    true,
				})
			}
		})
	}
}

func (f *fold) setNotNull(t *Relation, attnum int16, invalid bool) {
	if c := t.editColumn(attnum); c != nil {
		c.NotNull, c.NotNullInvalid = true, invalid
	}
}

// requireRelationColumn is requireColumnOrRefuse for a relation at hand.
func (f *fold) requireRelationColumn(t *Relation, name string, no *pgerror.Kind) *Column {
	if c := t.Column(clipName(name)); c != nil {
		return c
	}
	return f.requireColumnOrRefuse(t.OID, name, no)
}

// inheritConstraint gives a CHECK to partitions and children.
func (f *fold) inheritConstraint(t *Relation, c *Constraint) {
	f.eachChild(t, func(child *Relation) {
		if have := child.Constraint(c.Name); have != nil {
			if have.Kind == c.Kind && !have.Parent {
				child.editConstraint(have.ID).Parent = true
			}
			return
		}
		next := *c
		next.Parent = true
		next.Columns = child.attnumsIn(c.Expr)
		f.attachConstraint(child, &next)
	})
}

// eachChild calls callback for every partition and child, at every level, with a
// copy that may be changed.
func (f *fold) eachChild(t *Relation, callback func(*Relation)) {
	if len(t.Partitions) == 0 && len(t.Children) == 0 {
		return
	}
	seen := map[OID]bool{t.OID: true}
	var visit func(*Relation, int)
	visit = func(r *Relation, depth int) {
		if depth > maxDepth {
			return
		}
		for _, list := range [][]OID{r.Partitions, r.Children} {
			for _, oid := range list {
				if seen[oid] {
					continue
				}
				seen[oid] = true
				if child := f.editRelation(oid); child != nil {
					callback(child)
					visit(child, depth+1)
				}
			}
		}
	}
	visit(t, 0)
}

// https://www.postgresql.org/docs/current/sql-altertable.html, VALIDATE CONSTRAINT
func (f *fold) validateConstraint(t *Relation, name string) {
	c := t.Constraint(clipName(name))
	if c == nil {
		for _, col := range t.Columns {
			if col.NotNullInvalid && name == objectName(t.Name.Name, col.Name, "not_null") {
				t.editColumn(col.Attnum).NotNullInvalid = false
				return
			}
		}
		f.addMissingConstraint(t, name)
		return
	}
	validate := func(r *Relation, c *Constraint) {
		if !c.Valid {
			r.editConstraint(c.ID).Valid = true
		}
		if c.Kind == NotNullConstraint {
			for _, a := range c.Columns {
				if col := r.editColumn(a); col != nil {
					col.NotNullInvalid = false
				}
			}
		}
	}
	validate(t, c)
	f.eachChild(t, func(child *Relation) {
		if have := child.Constraint(c.Name); have != nil && have.Parent {
			validate(child, have)
		}
	})
}

// https://www.postgresql.org/docs/current/sql-altertable.html, ALTER CONSTRAINT
func (f *fold) alterConstraint(t *Relation, a *pgparse.ATAlterConstraint) {
	c := t.Constraint(clipName(a.GetConname()))
	if c == nil {
		f.addMissingConstraint(t, a.GetConname())
		return
	}
	change := func(r *Relation, id OID) {
		e := r.editConstraint(id)
		if a.GetAlterDeferrability() {
			e.Deferrable, e.InitiallyDeferred = a.GetDeferrable(), a.GetInitdeferred()
		}
		if a.GetAlterEnforceability() {
			e.Enforced, e.Valid = a.GetIsEnforced(), a.GetIsEnforced()
		}
		if a.GetAlterInheritability() {
			e.NoInherit = a.GetNoinherit()
		}
	}
	change(t, c.ID)
	f.eachChild(t, func(child *Relation) {
		if have := child.Constraint(c.Name); have != nil && have.Parent {
			change(child, have.ID)
		}
	})
}

// addMissingConstraint records that a table lacks a constraint, unless it is the one that 18 makes of NOT NULL: package refusal knows the version.
func (f *fold) addMissingConstraint(t *Relation, name string) {
	if !t.Inferred && !t.Partial && f.notNullNamed(t, name) == nil {
		f.addMissingPart(t, pgerror.ConstraintMissing, name, t.Name.Name)
	}
}
