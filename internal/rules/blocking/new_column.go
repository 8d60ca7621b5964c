package blocking

import (
	"cmp"
	"iter"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// origin says where a new column gets the values of the rows that are there.
type origin uint8

const (
	fromDefault origin = iota // a default, or NULL
	fromSerial
	fromIdentity
	fromGenerated
	fromDomain // a default or NULL, checked by a domain
)

// newColumn is an ADD COLUMN on a table that others may be using.
type newColumn struct {
	*rule.Command
	def    *pgparse.ColumnDef
	origin origin
	table  *catalog.Relation
	// column and typ are the new column and its type for SQL.
	column *catalog.Column
	typ    string
}

// listNewColumns are the ADD COLUMNs of a statement.
func listNewColumns(p *rule.Pass, s *rule.Stmt) []newColumn {
	var out []newColumn
	for _, c := range p.ListCommands(s) {
		if c.Subtype != pgparse.AlterTableType_AT_AddColumn {
			continue
		}
		table := s.AlteredRelation()
		if !p.InUse(table) {
			return nil
		}
		a := newColumn{Command: c, def: c.Def.GetColumnDef(), table: table}
		a.origin = originOf(s.Before, a.def)
		if after := s.After.Lookup(table.Name.Schema, table.Name.Name); after != nil {
			a.column = after.Column(a.def.GetColname())
		}
		if a.column == nil {
			a.column = catalog.NewColumn(a.def.GetColname(), s.Before.TypeOf(a.def.GetTypeName()))
		}
		a.typ = analysis.QuoteType(a.column.Type)
		out = append(out, a)
	}
	return out
}

func originOf(c *catalog.Catalog, def *pgparse.ColumnDef) origin {
	if names := def.GetTypeName().GetNames(); len(names) == 1 {
		switch names[0].GetString_().GetSval() {
		case "serial", "serial4", "bigserial", "serial8", "smallserial", "serial2":
			return fromSerial
		}
	}
	for _, n := range def.GetConstraints() {
		switch n.GetConstraint().GetContype() {
		case pgparse.ConstrType_CONSTR_IDENTITY:
			return fromIdentity
		case pgparse.ConstrType_CONSTR_GENERATED:
			return fromGenerated
		}
	}
	if t := c.Type(c.TypeOf(def.GetTypeName()).OID); t != nil && t.Kind == catalog.Domain {
		return fromDomain
	}
	return fromDefault
}

// listRewrites lists the new columns of an origin for which the table is rewritten, with the effect.
func listRewrites(p *rule.Pass, s *rule.Stmt, from origin) iter.Seq2[*newColumn, *effect.Effect] {
	return func(yield func(*newColumn, *effect.Effect) bool) {
		for _, a := range listNewColumns(p, s) {
			if a.origin != from {
				continue
			}
			if e := a.findRewrite(p); e != nil && !yield(&a, e) {
				return
			}
		}
	}
}

// listInlineWork lists the constraints in the definitions of new columns for which the server works
// on the table, although it does not rewrite it.
func listInlineWork(p *rule.Pass, s *rule.Stmt, work func(*effect.Effect) bool, kinds ...pgparse.ConstrType) []inlineWork {
	var out []inlineWork
	for _, a := range listNewColumns(p, s) {
		con := a.inlineConstraint(s, kinds...)
		if con == nil || a.findRewrite(p) != nil {
			continue
		}
		if e := p.FindBlocked(p.EffectsAlone(a.Command), work); e != nil {
			out = append(out, inlineWork{a, con, e})
		}
	}
	return out
}

// inlineWork is a constraint in the definition of a new column, and the work for it.
type inlineWork struct {
	newColumn
	con *pgparse.ColumnConstraint
	e   *effect.Effect
}

// findRewrite is the effect on the table, or on the first partition, that is
// rewritten because of the column.
func (a *newColumn) findRewrite(p *rule.Pass) *effect.Effect {
	return p.FindBlocked(p.EffectsAlone(a.Command), analysis.IsRewritten)
}

// inlineConstraint finds a constraint in the column's definition.
func (a *newColumn) inlineConstraint(s *rule.Stmt, kinds ...pgparse.ConstrType) *pgparse.ColumnConstraint {
	for _, con := range a.listConstraints(s) {
		if slices.Contains(kinds, con.GetContype()) {
			return &con
		}
	}
	return nil
}

// findConstraint is the column's constraint of a kind in the catalog, which knows
// its name and text; nil when there is none.
func (a *newColumn) findConstraint(s *rule.Stmt, kind catalog.ConstraintKind) *catalog.Constraint {
	after := s.After.Lookup(a.table.Name.Schema, a.table.Name.Name)
	if after == nil {
		return nil
	}
	for _, con := range after.Constraints {
		if con.Kind != kind || s.Before.Relation(after.OID) != nil && s.Before.Relation(after.OID).Constraint(con.Name) != nil {
			continue
		}
		for _, n := range con.Columns {
			if n == a.column.Attnum {
				return con
			}
		}
	}
	return nil
}

// nameInline returns the name of a constraint in the column's definition: as written, as the
// catalog has it, or one that ends in suffix.
func (a *newColumn) nameInline(s *rule.Stmt, con *pgparse.Constraint, kind catalog.ConstraintKind, suffix string) string {
	if existing := a.findConstraint(s, kind); existing != nil {
		return existing.Name
	}
	return cmp.Or(con.GetConname(), catalog.ObjectName(a.table.Name.Name, a.column.Name, suffix))
}

// sqlNames returns the names of the table and of the column for SQL.
func (a *newColumn) sqlNames() (table, column string) {
	return analysis.QuoteTable(a.table.Name), pgparse.QuoteIdent(a.column.Name)
}

// addBareSQL returns the SQL that adds the column without the constraints that read rows, and
// without its default if that is not wanted. If nothing gives the rows a value, the
// column is not NOT NULL.
func (a *newColumn) addBareSQL(withDefault bool) string {
	table, column := a.sqlNames()
	out := "ALTER TABLE " + table + " ADD COLUMN " + column + " " + a.typ
	if c := a.column.Collation; c != "" {
		out += " COLLATE " + pgparse.QuoteIdent(c)
	}
	if withDefault && a.column.DefaultText != "" {
		if a.column.NotNull {
			out += " NOT NULL"
		}
		out += " DEFAULT " + a.column.DefaultText
	}
	return out + ";\n"
}
