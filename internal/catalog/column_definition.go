package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// constraintSpec is a constraint in a statement before it has a name: a table constraint
// or a column constraint.
type constraintSpec struct {
	node    *pgparse.Constraint
	columns []string // of a column constraint: the column
	// The attributes that follow a column constraint.
	deferrable, deferred, notEnforced bool
}

// pending has the objects that a table definition or ADD COLUMN creates besides columns, in
// the server's order.
type pending struct {
	sequences  []sequenceSpec
	notNulls   []constraintSpec
	checks     []constraintSpec
	indexes    []constraintSpec // primary keys, unique and exclusion constraints
	foreign    []constraintSpec
	cloneLikes []likeSpec
}

// sequenceSpec is a sequence that serial or an identity column makes.
type sequenceSpec struct {
	column   string
	kind     string // int2, int4, int8
	identity bool
	options  []*pgparse.Node
}

// addConstraint adds a constraint to the list of its kind.
func (p *pending) addConstraint(s constraintSpec) {
	switch s.node.GetContype() {
	case pgparse.ConstrType_CONSTR_NOTNULL:
		p.notNulls = append(p.notNulls, s)
	case pgparse.ConstrType_CONSTR_CHECK:
		p.checks = append(p.checks, s)
	case pgparse.ConstrType_CONSTR_PRIMARY:
		// The primary key's index is always made first.
		p.indexes = slices.Insert(p.indexes, 0, s)
	case pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		p.indexes = append(p.indexes, s)
	case pgparse.ConstrType_CONSTR_FOREIGN:
		p.foreign = append(p.foreign, s)
	}
}

// buildColumn makes a column from its definition; what it asks for beside goes
// to p. The column is not numbered yet.
func (f *fold) buildColumn(def *pgparse.ColumnDef, p *pending) *Column {
	c := &Column{Name: clipName(def.GetColname()), Local: true, RareColumn: &plainColumn}
	if def.GetStorageName() != "" || def.GetCompression() != "" {
		c.RareColumn = &RareColumn{Storage: strings.ToLower(def.GetStorageName()), Compression: def.GetCompression()}
	}
	if base := serialBase(def.GetTypeName()); base != "" {
		c.Type = Type{Name: Name{"pg_catalog", base}}
		c.NotNull = true
		p.sequences = append(p.sequences, sequenceSpec{column: c.Name, kind: base})
	} else if def.GetTypeName() != nil {
		c.Type = f.TypeOf(def.GetTypeName())
		f.using = f.using || c.Type.OID != 0
	}
	if cc := def.GetCollClause(); cc != nil {
		c.copyRare().Collation = constText(&pgparse.Node{Node: &pgparse.Node_List{List: &pgparse.List{Items: cc.GetCollname()}}})
	}
	if def.GetIsNotNull() {
		c.NotNull = true
	}
	if def.GetRawDefault() != nil {
		f.setDefault(c, def.GetRawDefault())
	}
	for _, spec := range f.readColumnClauses(c, def, p) {
		if spec.node.GetContype() != pgparse.ConstrType_CONSTR_NOTNULL || spec.node.GetConname() != "" {
			p.addConstraint(spec)
		}
	}
	return c
}

// readColumnClauses reads the clauses after a column's type: the constraints, each with
// the attributes that follow it. Other clauses are applied to the column.
func (f *fold) readColumnClauses(c *Column, def *pgparse.ColumnDef, p *pending) []constraintSpec {
	var list []constraintSpec
	last := func() *constraintSpec {
		if len(list) == 0 {
			return &constraintSpec{} // an attribute of nothing
		}
		return &list[len(list)-1]
	}
	for _, n := range def.GetConstraints() {
		con := n.GetConstraint()
		switch con.GetContype() {
		case pgparse.ConstrType_CONSTR_NULL:
			c.NotNull = false
		case pgparse.ConstrType_CONSTR_DEFAULT:
			f.setDefault(c, con.GetRawExpr())
		case pgparse.ConstrType_CONSTR_GENERATED:
			f.setGenerated(c, con.GetRawExpr(), con.GetGeneratedKind(), con.GetLocation())
		case pgparse.ConstrType_CONSTR_IDENTITY:
			c.copyRare().Identity = identityWords(con.GetGeneratedWhen())
			c.NotNull = true
			p.sequences = append(p.sequences, sequenceSpec{column: c.Name, kind: c.Type.Name.Name, identity: true, options: con.GetOptions()})
		case pgparse.ConstrType_CONSTR_ATTR_DEFERRABLE:
			last().deferrable = true
		case pgparse.ConstrType_CONSTR_ATTR_DEFERRED:
			last().deferrable, last().deferred = true, true
		case pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED:
			last().notEnforced = true
		case pgparse.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE, pgparse.ConstrType_CONSTR_ATTR_IMMEDIATE, pgparse.ConstrType_CONSTR_ATTR_ENFORCED:
		case pgparse.ConstrType_CONSTR_NOTNULL, pgparse.ConstrType_CONSTR_PRIMARY:
			c.NotNull = true
			list = append(list, constraintSpec{node: con, columns: []string{c.Name}})
		case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION, pgparse.ConstrType_CONSTR_FOREIGN:
			list = append(list, constraintSpec{node: con, columns: []string{c.Name}})
		}
	}
	return list
}

// setDefault sets a column's default; NULL, cast or not, is none.
func (f *fold) setDefault(c *Column, expr *pgparse.Node) {
	plain := expr
	for cast := plain.GetTypeCast(); cast != nil && len(cast.GetTypeName().GetTypmods()) == 0; cast = plain.GetTypeCast() {
		plain = cast.GetArg()
	}
	if expr == nil || plain.GetAConst().GetIsnull() {
		c.Default, c.DefaultText, c.Takes = nil, "", 0
		return
	}
	c.Takes = f.findSequenceIn(expr)
	c.Default, c.DefaultText = expr, defaultText(f.sql, expr)
	f.using = true
}

func (f *fold) setGenerated(c *Column, expr *pgparse.Node, kind string, location int32) {
	// The parser leaves the kind out for the bare form, which is VIRTUAL (18).
	c.copyRare().Generated = "virtual"
	if kind == "s" {
		c.copyRare().Generated = "stored"
	}
	c.copyRare().GeneratedExpr = expr
	f.using = true
	c.DefaultText = bracketText(f.sql, location)
}

// resolveGeneratedColumns notes the columns that the generation expressions of a
// table read, once all its columns are there.
func (r *Relation) resolveGeneratedColumns() {
	for _, c := range r.Columns {
		if c.GeneratedExpr == nil || c.GeneratedFrom != nil {
			continue
		}
		if columns := r.attnumsIn(c.GeneratedExpr); columns != nil {
			r.editColumn(c.Attnum).copyRare().GeneratedFrom = columns // an earlier catalog may have the column too
		}
	}
}

func identityWords(identity string) string {
	if identity == "a" {
		return "always"
	}
	return "by default"
}

// makeSequence makes the sequence of a serial or identity column.
func (f *fold) makeSequence(t *Relation, s sequenceSpec) {
	col := t.Column(s.column)
	if col == nil {
		return
	}
	name := Name{t.Name.Schema, ""}
	if d := findOption(s.options, "sequence_name"); d != nil {
		schema, n := pgparse.SchemaAndName(pgparse.ListItems(d.GetArg()))
		if schema != "" {
			name.Schema = schema
		}
		name.Name = n
	}
	if name.Name == "" {
		name.Name = f.chooseRelationName(name.Schema, t.Name.Name, s.column, "seq", false)
	} else if _, exists := f.names.get(name); exists {
		f.addProblem(f.isHistoryComplete(), pgerror.RelationExists, name.Name)
		return
	}
	kind := s.kind
	if d := findOption(s.options, "as"); d != nil {
		kind = f.TypeOf(d.GetArg().GetTypeName()).Name.Name
	}
	seq := f.storeRelation(&Relation{
		Name: name, Kind: Sequence, Persistence: t.Persistence, Rare: &plain,
		Seq: &SequenceInfo{
			Type:        kind,
			OwnerTable:  t.OID,
			OwnerColumn: col.Attnum,
			Identity:    s.identity,
			Moved:       movesSequence(s.options),
			Options:     mergeSequenceOptions(nil, s.options),
		},
	})
	c := t.editColumn(col.Attnum)
	c.Sequence = seq.OID
	if !s.identity {
		c.Takes = seq.OID
		c.Default, c.DefaultText = nextvalCall, "nextval('"+seq.Name.String()+"'::regclass)"
	}
}

// nextvalCall is the default of a serial column. It names no sequence, as
// Column.Sequence does, so that renaming that changes nothing here.
var nextvalCall = &pgparse.Node{Node: &pgparse.Node_FuncCall{FuncCall: &pgparse.FuncCall{
	Funcname: []*pgparse.Node{{Node: &pgparse.Node_String_{String_: &pgparse.String{Sval: "nextval"}}}},
}}}

// TakesNumber reports whether a new row that has no value for the column takes
// one from Column.Sequence.
func (c *Column) TakesNumber() bool {
	return c.Sequence != 0 && (c.Identity != "" || c.Default == nextvalCall)
}
