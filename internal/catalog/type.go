package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// claimTypeName reports whether CREATE TYPE may use a name. The OID is that of the inferred
// type that it replaces; 0 if there is none.
func (f *fold) claimTypeName(list []*pgparse.Node) (OID, Name, bool) {
	schema, n := pgparse.SchemaAndName(list)
	name := f.fullNameForCreate(schema, n)
	oid, exists := f.typeNames.get(name)
	if !exists {
		return 0, name, true
	}
	if f.Type(oid).Inferred {
		return oid, name, true
	}
	f.addProblem(f.isHistoryComplete(), pgerror.TypeExists, n)
	if f.failed {
		return 0, name, false
	}
	f.removeType(oid)
	return 0, name, true
}

func (f *fold) createEnum(s *pgparse.CreateEnumStmt) {
	oid, name, ok := f.claimTypeName(s.GetTypeName())
	if ok {
		f.storeType(&UserType{OID: oid, Name: name, Kind: Enum, Labels: pgparse.StringTexts(s.GetVals())})
	}
}

// requireType returns the type that a statement works on. If no statement created it, it
// becomes an inferred type.
func (f *fold) requireType(list []*pgparse.Node, kind TypeKind, missingOK bool) *UserType {
	schema, n := pgparse.SchemaAndName(list)
	if u := f.LookupType(schema, n); u != nil {
		return u
	}
	name := f.fullNameForCreate(schema, n)
	if u := f.LookupType(name.Schema, n); u != nil {
		return u
	}
	if f.isMissing("type", name) {
		if !missingOK {
			f.addProblem(true, pgerror.TypeMissing, displayName(schema, n))
		}
		return nil
	}
	return f.storeType(&UserType{Name: name, Kind: kind, Inferred: true, Called: name})
}

// https://www.postgresql.org/docs/current/sql-altertype.html, enum forms
func (f *fold) alterEnum(s *pgparse.AlterEnumStmt) {
	u := f.requireType(s.GetTypeName(), Enum, false)
	if u == nil {
		return
	}
	if u.Kind != Enum && !u.Inferred {
		f.addProblem(f.isHistoryComplete(), pgerror.NotEnum, u.Name.String())
		return
	}
	labels := u.Labels
	if s.GetOldVal() != "" {
		i := slices.Index(labels, s.GetOldVal())
		if slices.Contains(labels, s.GetNewVal()) {
			f.addProblem(f.isHistoryComplete(), pgerror.LabelExists, s.GetNewVal())
			return
		}
		switch {
		case i >= 0:
			labels = slices.Clone(labels)
			labels[i] = s.GetNewVal()
		case u.Inferred:
			labels = appendShared(f, u.Labels, s.GetNewVal())
		default:
			f.addProblem(f.isHistoryComplete(), pgerror.LabelMissing, s.GetOldVal())
			return
		}
	} else {
		if slices.Contains(labels, s.GetNewVal()) {
			if !s.GetSkipIfNewValExists() {
				f.addProblem(f.isHistoryComplete(), pgerror.LabelExists, s.GetNewVal())
			}
			return
		}
		index := len(labels)
		if neighbor := s.GetNewValNeighbor(); neighbor != "" {
			i := slices.Index(labels, neighbor)
			switch {
			case i < 0 && !u.Inferred:
				f.addProblem(f.isHistoryComplete(), pgerror.LabelMissing, neighbor)
				return
			case i < 0:
			case s.GetNewValIsAfter():
				index = i + 1
			default:
				index = i
			}
		}
		if index == len(labels) {
			labels = appendShared(f, labels, s.GetNewVal())
		} else {
			labels = slices.Insert(slices.Clone(labels), index, s.GetNewVal())
		}
	}
	f.changeType(u.OID, func(t *UserType) { t.Labels = labels })
}

func (f *fold) createDomain(s *pgparse.CreateDomainStmt) {
	oid, name, ok := f.claimTypeName(s.GetDomainname())
	if !ok {
		return
	}
	u := &UserType{OID: oid, Name: name, Kind: Domain, Base: f.TypeOf(s.GetTypeName())}
	for base := u.Base.OID; base != 0 && oid != 0; {
		if base == oid {
			// The type that was believed to be the domain was another one.
			u.Base.OID = 0
			break
		}
		if t := f.Type(base); t != nil {
			base = t.Base.OID
		} else {
			base = 0
		}
	}
	for _, n := range s.GetConstraints() {
		f.addDomainConstraint(u, n.GetConstraint())
	}
	f.storeType(u)
}

// addDomainConstraint adds to a domain that is under construction.
func (f *fold) addDomainConstraint(u *UserType, con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_NOTNULL:
		u.NotNull = true
	case pgparse.ConstrType_CONSTR_NULL:
		u.NotNull = false
	case pgparse.ConstrType_CONSTR_DEFAULT:
		u.Default = con.GetRawExpr()
	case pgparse.ConstrType_CONSTR_CHECK:
		c := &Constraint{
			ID: f.newOID(), Kind: Check, Name: clipName(con.GetConname()), Expr: con.GetRawExpr(), ExprText: bracketText(f.sql, con.GetLocation()),
			Valid: !con.GetSkipValidation(), Enforced: true, Named: con.GetConname() != "",
		}
		if c.Name == "" {
			for i := 0; ; i++ {
				label := "check"
				if i > 0 {
					label += itoa(i)
				}
				if c.Name = objectName(u.Name.Name, "", label); !hasConstraint(u.Checks, c.Name) {
					break
				}
			}
		} else if hasConstraint(u.Checks, c.Name) {
			f.addProblem(f.isHistoryComplete(), pgerror.DomainConstraintExists, c.Name, u.Name.Name)
			return
		}
		u.Checks = appendShared(f, u.Checks, c)
	}
}

// https://www.postgresql.org/docs/current/sql-alterdomain.html
func (f *fold) alterDomain(s *pgparse.AlterDomainStmt) {
	u := f.requireType(s.GetTypeName(), Domain, false)
	if u == nil {
		return
	}
	if u.Kind != Domain && !u.Inferred {
		f.addProblem(f.isHistoryComplete(), pgerror.NotDomain, u.Name.String())
		return
	}
	f.changeType(u.OID, func(t *UserType) {
		switch s.GetSubtype() {
		case "T":
			t.Default = s.GetDef()
		case "N":
			t.NotNull = false
		case "O":
			t.NotNull = true
		case "C":
			f.addDomainConstraint(t, s.GetDef().GetConstraint())
		case "V":
			if c := f.findDomainConstraint(t, s.GetName(), false); c != nil {
				next := *c
				next.Valid = true
				t.Checks = slices.Clone(t.Checks)
				t.Checks[slices.Index(t.Checks, c)] = &next
			}
		case "X":
			if c := f.findDomainConstraint(t, s.GetName(), s.GetMissingOk()); c != nil {
				t.Checks = removeValue(t.Checks, c)
			}
		}
	})
}

func (f *fold) findDomainConstraint(t *UserType, name string, missingOK bool) *Constraint {
	for _, c := range t.Checks {
		if c.Name == clipName(name) {
			return c
		}
	}
	if !missingOK && !t.Inferred && name != objectName(t.Name.Name, "", "not_null") {
		f.addProblem(f.isHistoryComplete(), pgerror.DomainConstraintMissing, name, t.Name.Name)
	}
	return nil
}

func (f *fold) renameDomainConstraint(s *pgparse.RenameStmt, to string) {
	u := f.requireType(pgparse.ListItems(s.GetObject()), Domain, false)
	if u == nil {
		return
	}
	f.changeType(u.OID, func(t *UserType) {
		if c := f.findDomainConstraint(t, s.GetSubname(), false); c != nil {
			next := *c
			next.Name = to
			t.Checks = slices.Clone(t.Checks)
			t.Checks[slices.Index(t.Checks, c)] = &next
		}
	})
}

// https://www.postgresql.org/docs/current/sql-createtype.html, CREATE TYPE … AS (…)
func (f *fold) createComposite(s *pgparse.CompositeTypeStmt) {
	oid, name, ok := f.claimName(s.GetTypevar(), false, CompositeType)
	if !ok {
		return
	}
	typeOID, exists := f.typeNames.get(name)
	if exists && !f.Type(typeOID).Inferred {
		f.addProblem(f.isHistoryComplete(), pgerror.TypeExists, name.Name)
		if f.failed {
			return
		}
	}
	if f.refuseTooManyColumns(len(s.GetColdeflist())) {
		return
	}
	r := &Relation{OID: oid, Name: name, Kind: CompositeType, NextAttnum: 1, Rare: &plain}
	f.assignOID(r)
	for _, n := range s.GetColdeflist() {
		d := n.GetColumnDef()
		if r.Column(clipName(d.GetColname())) != nil {
			f.addProblem(true, pgerror.ColumnTwice, d.GetColname())
			return
		}
		f.attachColumn(r, &Column{Name: clipName(d.GetColname()), Type: f.TypeOf(d.GetTypeName()), Local: true, RareColumn: &plainColumn})
	}
	f.storeRelation(r)
	f.storeType(&UserType{OID: typeOID, Name: name, Kind: Composite, Relation: r.OID})
}

func (f *fold) createRange(s *pgparse.CreateRangeStmt) {
	oid, name, ok := f.claimTypeName(s.GetTypeName())
	if !ok {
		return
	}
	u := &UserType{OID: oid, Name: name, Kind: Range}
	if d := findOption(s.GetParams(), "subtype"); d != nil {
		u.Base = f.TypeOf(d.GetArg().GetTypeName())
	}
	f.storeType(u)
}

// dropType drops a type or domain; with CASCADE the columns of it too.
func (f *fold) dropType(tn *pgparse.TypeName, domain, cascade, missingOK bool) {
	schema, n := pgparse.SchemaAndName(tn.GetNames())
	name := f.fullNameForCreate(schema, n)
	u := f.LookupType(schema, n)
	if u == nil {
		u = f.LookupType(name.Schema, n)
	}
	if u == nil {
		if !missingOK && f.isMissing("type", name) && !isBuiltinType(n) {
			f.addProblem(true, pgerror.TypeMissing, displayName(schema, n))
		}
		if r := f.Lookup(schema, n); r != nil && (r.Kind.IsTable() || r.View != nil) && !r.Inferred {
			f.addConflict(true, pgerror.Required, "type", r.Name.String(), r.Kind.ForMessages()+" "+r.Name.String())
			return
		}
		f.markDropped("type", name)
		return
	}
	users := f.columnUsersOf(u.OID, u.Relation)
	if domain && u.Kind != Domain && !u.Inferred {
		f.addProblem(f.isHistoryComplete(), pgerror.NotDomainNamed, n)
		return
	}
	if (len(users) > 0 || f.isTypeNeeded(u)) && !cascade {
		f.addConflict(!u.Inferred, pgerror.HasDependents, "type", u.Name.String())
		if f.failed {
			return
		}
	}
	f.dropColumnsOfType(u.OID, users)
	f.dropTypeDependents(u)
	if u.Relation != 0 {
		f.dropRelation(u.Relation)
	}
	f.removeType(u.OID)
}

// renameColumnTypes gives every column of a type its new name.
func (f *fold) renameColumnTypes(oid OID, name Name) {
	uses := func(c *Column) bool { return c.Type.OID == oid }
	for _, r := range f.TypedBy(oid) {
		if !slices.ContainsFunc(r.Columns, uses) {
			continue
		}
		e := f.editRelation(r.OID)
		for _, c := range e.Columns {
			if uses(c) {
				e.editColumn(c.Attnum).Type.Name = name
			}
		}
	}
}

func (f *fold) renameType(list []*pgparse.Node, to string) {
	u := f.requireType(list, Base, false)
	if u == nil {
		return
	}
	f.moveType(u, Name{u.Name.Schema, to})
}

func (f *fold) moveType(u *UserType, name Name) {
	if oid, exists := f.typeNames.get(name); exists && oid != u.OID {
		f.addProblem(f.isHistoryComplete() && !f.Type(oid).Inferred, pgerror.TypeExists, name.Name)
		if f.failed {
			return
		}
		f.removeType(oid)
	}
	if u.Relation != 0 {
		f.setRelationName(u.Relation, name)
	}
	f.changeType(u.OID, func(t *UserType) { t.Name = name })
	f.renameColumnTypes(u.OID, name)
}

// WireType returns the type that clients see for a column: a domain has the type below it. An array of a domain stays one.
func (c *Catalog) WireType(t Type) Type {
	for range maxDomainDepth {
		u := c.Type(t.OID)
		if t.Array > 0 || u == nil || u.Kind != Domain || !u.Base.IsKnown() {
			break
		}
		t = u.Base
	}
	return t
}

// maxDomainDepth limits how many domains over domains are followed.
const maxDomainDepth = 64
