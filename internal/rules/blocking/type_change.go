package blocking

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// typeChange is an ALTER COLUMN … TYPE on a table that others may be using.
type typeChange struct {
	*rule.Command
	table    *catalog.Relation
	name     string
	from, to catalog.Type // from is the zero type when it is not known
	// domain is the new type if it is a domain that checks its values.
	domain *catalog.UserType
	stmt   *rule.Stmt
}

// listRetypings are the changes of a column's type in a statement.
func listRetypings(p *rule.Pass, s *rule.Stmt) []typeChange {
	var out []typeChange
	for _, c := range p.ListCommands(s) {
		if c.Subtype != pgparse.AlterTableType_AT_AlterColumnType {
			continue
		}
		table := s.AlteredRelation()
		if !p.InUse(table) {
			return nil
		}
		r := typeChange{Command: c, stmt: s, table: table, name: c.Name, to: s.Before.TypeOf(c.Def.GetColumnDef().GetTypeName())}
		if col := table.Column(c.Name); col != nil && !col.Inferred {
			r.from = col.Type
		}
		if t := s.Before.Type(r.to.OID); t != nil && t.Kind == catalog.Domain && (len(t.Checks) > 0 || t.NotNull) {
			r.domain = t
		}
		out = append(out, r)
	}
	return out
}

// commandsOf are the subcommands that change the types.
func commandsOf(list []typeChange) rule.Commands {
	out := make(rule.Commands, len(list))
	for i := range list {
		out[i] = list[i].Command
	}
	return out
}

// describeChange describes the change: "column id from integer to bigint".
func (r *typeChange) describeChange() string {
	if !r.from.IsKnown() {
		return "column " + r.name + " to " + r.to.String()
	}
	if r.from.IsSame(r.to) {
		return "column " + r.name + " (" + r.to.String() + ")"
	}
	return "column " + r.name + " from " + r.from.String() + " to " + r.to.String()
}

// describeChanges describes several changes: "columns id, code and n".
func describeChanges(list []typeChange) string {
	if len(list) == 1 {
		return list[0].describeChange()
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].name
	}
	return "columns " + prose.EnumerateNames(names)
}

// replaceColumnsSQL is the SQL that gets to the new types by way of new columns.
func replaceColumnsSQL(list []typeChange) string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].replaceColumnSQL()
	}
	return strings.Join(out, "\n")
}

func (r *typeChange) replaceColumnSQL() string {
	old, next := pgparse.QuoteIdent(r.name), pgparse.QuoteIdent(catalog.ObjectName(r.name, "", "new"))
	value := old
	if text := r.Text(); r.Def.GetColumnDef().GetRawDefault() != nil {
		if offset := pgparse.AfterWord(text, "USING"); offset >= 0 {
			value = strings.TrimSpace(text[offset:])
		}
	}
	zone, target := r.stmt.Settings.TimeZone, r.to
	if r.domain != nil {
		target = r.domain.Base
	}
	value, clauses := recipe.PinConversion(r.stmt.Before, r.from, target, value, zone)
	note := ""
	if zone == "" && strings.Contains(value+clauses, "'UTC'") {
		note = "-- 'UTC' is an assumption: write the TimeZone of the session that runs the migration\n"
	}
	column := recipe.FilledColumn{
		Table: r.table.Name, Column: next, Type: analysis.QuoteType(r.to), Value: value, Where: old + " IS NOT NULL",
		Prepare: cmp.Or(recipe.FillByTrigger(r.table, catalog.ObjectName(r.name, "", "new"), value, clauses),
			"-- a trigger BEFORE INSERT OR UPDATE that keeps "+next+" in step with "+old),
	}
	if r.domain != nil {
		// A new column of the domain rewrites the table, too.
		if r.domain.Base.IsSame(r.from) {
			return domainCheckSQL(r.table, r.name, r.domain)
		}
		column.Type = analysis.QuoteType(target)
		return note + column.Statements() + "\n" + domainCheckSQL(r.table, catalog.ObjectName(r.name, "", "new"), r.domain)
	}
	return note + column.Statements()
}
