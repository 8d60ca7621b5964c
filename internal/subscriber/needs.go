package subscriber

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Need is what a subscriber has to do for a step.
type Need struct {
	Step string
	// Before are statements for the subscriber that come before the step, After those that come after it.
	Before, After []string
	// Stops: no statement keeps the subscriber from stopping. It goes on after the statements in After.
	Stops bool
}

// Needs are those of the subscribers of a publication, for steps in their order. path is the search path of the steps.
func (p *Publication) Needs(steps []onward.PlanStep, path []string) (out []Need) {
	r := &reading{publication: p, path: path, names: map[string]string{}, types: map[string]string{}, created: map[string]bool{}}
	for i := range steps {
		f, err := pgparse.Split(steps[i].SQL)
		if err != nil {
			continue // apply refuses to run it
		}
		r.need, r.dropped = Need{Step: steps[i].ID}, nil
		for _, stmt := range f.Stmts {
			if stmt.Node != nil {
				r.read(stmt.Node, f.Src[stmt.Start:stmt.End])
			}
		}
		for _, c := range r.dropped {
			r.before("ALTER TABLE " + c.table + " ALTER COLUMN " + pgparse.QuoteIdent(c.name) + " DROP NOT NULL")
			r.after("ALTER TABLE " + c.table + " DROP COLUMN " + pgparse.QuoteIdent(c.name))
		}
		if len(r.need.Before)+len(r.need.After) > 0 {
			out = append(out, r.need)
		}
	}
	return out
}

// reading goes along the statements of a plan.
type reading struct {
	publication *Publication
	path        []string
	// names are the published names of tables that the plan has renamed; types those of columns that it adds, by table and name.
	names, types map[string]string
	created      map[string]bool // tables that the plan creates, and the publication sends
	need         Need
	dropped      []column // by the step
}

// column is one of a table, whose name SQL writes.
type column struct{ table, name string }

func (r *reading) before(sql string) { r.need.Before = append(r.need.Before, sql) }
func (r *reading) after(sql string)  { r.need.After = append(r.need.After, sql) }

// read notes what a statement asks of the subscriber.
func (r *reading) read(node *pgparse.Node, sql string) {
	switch n := node.GetNode().(type) {
	case *pgparse.Node_CreateSchemaStmt:
		if r.publication.AllTables {
			r.before(sql)
		}
	case *pgparse.Node_CreateStmt:
		r.create(n.CreateStmt.Relation, sql)
	case *pgparse.Node_CreateTableAsStmt:
		if n.CreateTableAsStmt.Objtype == pgparse.ObjectType_OBJECT_TABLE {
			r.create(n.CreateTableAsStmt.GetInto().GetRel(), sql)
		}
	case *pgparse.Node_AlterTableStmt:
		if table := r.resolve(n.AlterTableStmt.Relation); n.AlterTableStmt.Objtype == pgparse.ObjectType_OBJECT_TABLE && r.sends(table) {
			r.alter(table, n.AlterTableStmt.Cmds, sql)
		}
	case *pgparse.Node_RenameStmt:
		r.rename(n.RenameStmt)
	}
}

// create notes a new table that the publication sends.
func (r *reading) create(rv *pgparse.RangeVar, sql string) {
	table := r.resolve(rv)
	schema, _, _ := strings.Cut(table, ".")
	if rv.GetRelpersistence() == "p" && (r.publication.AllTables || slices.Contains(r.publication.Schemas, schema)) {
		r.created[table] = true
		r.before(sql)
	}
}

// alter notes the columns that an ALTER TABLE adds, drops or changes.
func (r *reading) alter(table string, commands []*pgparse.Node, sql string) {
	at := quoteTable(table)
	clauses := pgparse.Clauses(sql, afterTable(sql))
	for i, n := range commands {
		c := n.GetAlterTableCmd()
		switch c.GetSubtype() {
		case pgparse.AlterTableType_AT_AddColumn:
			def := c.GetDef().GetColumnDef()
			generated := slices.ContainsFunc(def.GetConstraints(), func(n *pgparse.Node) bool {
				return n.GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_GENERATED
			})
			if def == nil || generated || i >= len(clauses) { // a generated column is not sent
				continue
			}
			typ := typeOfColumn(sql[clauses[i].Start:clauses[i].End])
			r.types[table+"."+def.GetColname()] = typ
			r.before("ALTER TABLE " + at + " ADD COLUMN " + pgparse.QuoteIdent(def.GetColname()) + " " + typ)
		case pgparse.AlterTableType_AT_DropColumn:
			r.dropped = append(r.dropped, column{at, c.GetName()})
		case pgparse.AlterTableType_AT_AlterColumnType:
			if i < len(clauses) {
				r.before("ALTER TABLE " + at + " " + sql[clauses[i].Start:clauses[i].End])
			}
		}
	}
}

// rename notes new names of tables and columns. A column that the plan added gets its last name when the old column goes.
func (r *reading) rename(n *pgparse.RenameStmt) {
	table := r.resolve(n.Relation)
	if !r.sends(table) {
		return
	}
	at, now := quoteTable(table), pgparse.QuoteIdent(n.Newname)
	switch {
	case n.RenameType == pgparse.ObjectType_OBJECT_TABLE:
		schema, _, _ := strings.Cut(table, ".")
		r.names[schema+"."+n.Newname] = r.published(table)
		r.need.Stops = true
		r.after("ALTER TABLE " + at + " RENAME TO " + now)
	case n.RenameType != pgparse.ObjectType_OBJECT_COLUMN:
	case r.types[table+"."+n.Subname] == "":
		r.need.Stops = true
		r.after("ALTER TABLE " + at + " RENAME COLUMN " + pgparse.QuoteIdent(n.Subname) + " TO " + now)
	default:
		typ := r.types[table+"."+n.Subname]
		was := len(r.dropped)
		r.dropped = slices.DeleteFunc(r.dropped, func(c column) bool { return c == column{at, n.Newname} })
		if len(r.dropped) < was {
			r.before("ALTER TABLE " + at + " ALTER COLUMN " + now + " TYPE " + typ)
		} else {
			r.before("ALTER TABLE " + at + " ADD COLUMN " + now + " " + typ)
		}
		r.after("ALTER TABLE " + at + " DROP COLUMN " + pgparse.QuoteIdent(n.Subname))
	}
}

// resolve is a relation as "schema.name": the first of the search path that the publication sends, else the first schema.
func (r *reading) resolve(rv *pgparse.RangeVar) string {
	if rv.GetSchemaname() != "" || len(r.path) == 0 {
		return cmp.Or(rv.GetSchemaname(), "public") + "." + rv.GetRelname()
	}
	for _, schema := range r.path {
		if full := schema + "." + rv.GetRelname(); r.sends(full) {
			return full
		}
	}
	return r.path[0] + "." + rv.GetRelname()
}

// published is the name of a table when the plan begins.
func (r *reading) published(table string) string { return cmp.Or(r.names[table], table) }

// sends reports whether the publication sends each column of a table, or of its partitions.
func (r *reading) sends(table string) bool {
	was := r.published(table)
	return r.created[table] || slices.ContainsFunc(r.publication.Tables, func(t Table) bool {
		return !t.Listed && (t.Name == was || slices.Contains(t.Roots, was))
	})
}

// quoteTable is a table for SQL.
func quoteTable(table string) string {
	schema, name, _ := strings.Cut(table, ".")
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(name)
}

// afterTable is the offset after the name of the table in an ALTER TABLE.
func afterTable(sql string) int {
	at := pgparse.AfterWord(sql, "TABLE")
	for {
		l := pgparse.NextLexeme(sql, at)
		switch strings.ToUpper(sql[l.Start:l.End]) {
		case "IF", "EXISTS", "ONLY":
			at = l.End
			continue
		}
		end := pgparse.NameEnd(sql, l.Start)
		if star := pgparse.NextLexeme(sql, end); sql[star.Start:star.End] == "*" {
			return star.End
		}
		return end
	}
}

// endsType are the words that come after the type in the definition of a column.
var endsType = []string{"CONSTRAINT", "NOT", "NULL", "DEFAULT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "GENERATED", "COLLATE", "COMPRESSION", "STORAGE", "DEFERRABLE", "INITIALLY", "OPTIONS"}

// serials are types that stand for a sequence, which a subscriber does not need.
var serials = map[string]string{"serial": "integer", "serial4": "integer", "bigserial": "bigint", "serial8": "bigint", "smallserial": "smallint", "serial2": "smallint"}

// typeOfColumn is the type in "ADD COLUMN name type …".
func typeOfColumn(clause string) string {
	at := pgparse.AfterWord(clause, "ADD")
	for {
		l := pgparse.NextLexeme(clause, at)
		word := strings.ToUpper(clause[l.Start:l.End])
		if word != "COLUMN" && word != "IF" && word != "NOT" && word != "EXISTS" {
			break
		}
		at = l.End
	}
	from := pgparse.NextLexeme(clause, at).End // after the name
	end, depth := from, 0
	for {
		l := pgparse.NextLexeme(clause, end)
		text := clause[l.Start:l.End]
		if l.Kind == pgparse.LexemeEnd || depth == 0 && l.Kind == pgparse.LexemeWord && slices.Contains(endsType, strings.ToUpper(text)) {
			break
		}
		switch text {
		case "(":
			depth++
		case ")":
			depth--
		}
		end = l.End
	}
	typ := strings.TrimSpace(clause[from:end])
	return cmp.Or(serials[strings.ToLower(typ)], typ)
}
