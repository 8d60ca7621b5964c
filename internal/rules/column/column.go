// Package column holds the rules about columns.
package column

import (
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

// addition is an ADD COLUMN on a table that others may be using.
type addition struct {
	*rule.Command
	def    *pgparse.ColumnDef
	origin origin
	table  *catalog.Relation
	// column and typ are the new column and its type for messages and advice.
	column *catalog.Column
	typ    string
}

// listAdditions are the ADD COLUMNs of a statement.
func listAdditions(p *rule.Pass, s *rule.Stmt) []addition {
	var out []addition
	commands := p.ListCommands(s)
	for i := range commands {
		c := &commands[i]
		if c.Subtype != pgparse.AlterTableType_AT_AddColumn {
			continue
		}
		table := s.AlteredRelation()
		if !p.InUse(table) {
			return nil
		}
		a := addition{Command: c, def: c.Def.GetColumnDef(), table: table}
		a.origin = originOf(s.Before, a.def)
		if after := s.After.Lookup(table.Name.Schema, table.Name.Name); after != nil {
			a.column = after.Column(a.def.GetColname())
		}
		if a.column == nil {
			a.column = catalog.NewColumn(a.def.GetColname(), s.Before.TypeOf(a.def.GetTypeName()))
		}
		a.typ = a.column.Type.String()
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

// findRewrite is the effect on the table, or on the first partition, that is
// rewritten because of the column.
func (a *addition) findRewrite(p *rule.Pass) *effect.Effect {
	return p.FindBlocked(p.EffectsAlone(a.Command), analysis.IsRewritten)
}

// inlineConstraint finds a constraint in the column's definition.
func (a *addition) inlineConstraint(kinds ...pgparse.ConstrType) *pgparse.Constraint {
	for _, n := range a.def.GetConstraints() {
		for _, k := range kinds {
			if con := n.GetConstraint(); con.GetContype() == k {
				return con
			}
		}
	}
	return nil
}

// findConstraint is the column's constraint of a kind in the catalog, which knows
// its name and text; nil when there is none.
func (a *addition) findConstraint(s *rule.Stmt, kind catalog.ConstraintKind) *catalog.Constraint {
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

// sqlNames returns the names of the table and of the column for SQL.
func (a *addition) sqlNames() (table, column string) {
	return analysis.QuoteTable(a.table.Name), pgparse.QuoteIdent(a.column.Name)
}

// addBareSQL returns the SQL that adds the column without the constraints that read rows, and
// without its default if that is not wanted. If nothing gives the rows a value, the
// column is not NOT NULL.
func (a *addition) addBareSQL(withDefault bool) string {
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
