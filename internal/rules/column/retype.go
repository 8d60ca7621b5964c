package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// retyping is an ALTER COLUMN … TYPE on a table that others may be using.
type retyping struct {
	*rule.Command
	table    *catalog.Relation
	name     string
	from, to catalog.Type // from is the zero type when it is not known
}

// retypings are the changes of a column's type in a statement.
func retypings(p *rule.Pass, s *rule.Stmt) []retyping {
	var out []retyping
	commands := p.Commands(s)
	for i := range commands {
		c := &commands[i]
		if c.Subtype != pgparse.AlterTableType_AT_AlterColumnType {
			continue
		}
		table := s.Altered()
		if !p.InUse(table) {
			return nil
		}
		r := retyping{Command: c, table: table, name: c.Name, to: s.Before.TypeOf(c.Def.GetColumnDef().GetTypeName())}
		if col := table.Column(c.Name); col != nil && !col.Inferred {
			r.from = col.Type
		}
		out = append(out, r)
	}
	return out
}

// change describes the change: "column id from integer to bigint".
func (r *retyping) change() string {
	if !r.from.Known() {
		return "column " + r.name + " to " + r.to.String()
	}
	if r.from.Same(r.to) {
		return "column " + r.name + " (" + r.to.String() + ")"
	}
	return "column " + r.name + " from " + r.from.String() + " to " + r.to.String()
}

// replacement is the SQL that gets to the new type by way of a new column.
func (r *retyping) replacement() string {
	table := rule.Table(r.table.Name)
	old, next := rule.Ident(r.name), rule.Ident(r.name+"_new")
	return "ALTER TABLE " + table + " ADD COLUMN " + next + " " + r.to.String() + ";\n" +
		"-- a trigger BEFORE INSERT OR UPDATE that keeps " + next + " in step with " + old + "\n" +
		batches(table, next+" = "+old, next+" IS NULL")
}
