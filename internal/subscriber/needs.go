package subscriber

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Need is what a subscriber must do for a step. For ALTER TABLE orders ADD COLUMN total bigint NOT NULL DEFAULT 0, Before is
// ALTER TABLE public.orders ADD COLUMN total bigint.
type Need struct {
	Step string
	// Before are statements that the subscriber runs before the step, After those that it runs after it.
	Before, After []string
	// Stops: no statement can prevent the subscriber from stopping. It continues after the statements in After.
	Stops bool
}

// ListNeeds returns what the subscribers of a publication must do for steps in their order. path is the search path of the steps.
func (p *Publication) ListNeeds(steps []onward.PlanStep, path []string) (out []Need) {
	r := &statementReader{publication: p, path: path, names: map[string]string{}, types: map[string]string{},
		created: map[string]bool{}, except: map[string]bool{}}
	for _, table := range p.Except {
		r.except[table] = true
	}
	for i := range steps {
		f, err := pgparse.SplitText(steps[i].SQL)
		if err != nil {
			continue // apply refuses to run it
		}
		r.need, r.dropped = Need{Step: steps[i].ID}, nil
		for _, stmt := range f.Stmts {
			if stmt.Node != nil {
				r.readStatement(stmt.Node, f.Src[stmt.Start:stmt.End])
			}
		}
		for _, c := range r.dropped {
			r.addBefore("ALTER TABLE " + c.table + " ALTER COLUMN " + pgparse.QuoteIdent(c.name) + " DROP NOT NULL")
			r.addAfter("ALTER TABLE " + c.table + " DROP COLUMN " + pgparse.QuoteIdent(c.name))
		}
		if len(r.need.Before)+len(r.need.After) > 0 {
			out = append(out, r.need)
		}
	}
	return out
}

// statementReader processes the statements of a plan.
type statementReader struct {
	publication *Publication
	path        []string
	// names are the published names of tables that the plan has renamed. types are the types of columns that it adds, by table
	// and name.
	names, types map[string]string
	created      map[string]bool // tables that the plan creates and the publication sends
	// except are tables that the publication leaves out, with the partitions that the plan creates.
	except  map[string]bool
	need    Need
	dropped []column // by the step
}

// column is a column of a table, with the name as in SQL.
type column struct{ table, name string }

func (r *statementReader) addBefore(sql string) { r.need.Before = append(r.need.Before, sql) }
func (r *statementReader) addAfter(sql string)  { r.need.After = append(r.need.After, sql) }

// readStatement records what a statement requires of the subscriber.
func (r *statementReader) readStatement(node *pgparse.Node, sql string) {
	switch n := node.GetNode().(type) {
	case *pgparse.Node_CreateSchemaStmt:
		if r.publication.AllTables {
			r.addBefore(sql)
		}
	case *pgparse.Node_CreateStmt:
		if s := n.CreateStmt; s.GetPartbound() != nil && r.isExcepted(s.GetInhRelations()[0].GetRangeVar()) {
			r.except[r.createdName(s.GetRelation())] = true
			return
		}
		r.addTable(n.CreateStmt.Relation, sql)
	case *pgparse.Node_CreateTableAsStmt:
		if n.CreateTableAsStmt.Objtype == pgparse.ObjectType_OBJECT_TABLE {
			r.addTable(n.CreateTableAsStmt.GetInto().GetRel(), sql)
		}
	case *pgparse.Node_AlterTableStmt:
		if table := r.resolveRelation(n.AlterTableStmt.Relation); n.AlterTableStmt.Objtype == pgparse.ObjectType_OBJECT_TABLE && r.sendsTable(table) {
			r.recordColumnChanges(table, n.AlterTableStmt.Cmds, sql)
		}
	case *pgparse.Node_RenameStmt:
		r.recordRename(n.RenameStmt)
	}
}

// isExcepted reports whether the publication leaves out a relation, and so its partitions.
func (r *statementReader) isExcepted(rv *pgparse.RangeVar) bool {
	if rv.GetSchemaname() != "" {
		return r.except[rv.GetSchemaname()+"."+rv.GetRelname()]
	}
	return slices.ContainsFunc(r.path, func(schema string) bool { return r.except[schema+"."+rv.GetRelname()] })
}

// createdName returns the name of a relation that a statement creates, as "schema.name".
func (r *statementReader) createdName(rv *pgparse.RangeVar) string {
	schema := rv.GetSchemaname()
	if schema == "" && len(r.path) > 0 {
		schema = r.path[0]
	}
	return cmp.Or(schema, "public") + "." + rv.GetRelname()
}

// addTable records a new table that the publication sends.
func (r *statementReader) addTable(rv *pgparse.RangeVar, sql string) {
	table := r.resolveRelation(rv)
	schema, _, _ := strings.Cut(table, ".")
	if rv.GetRelpersistence() == "p" && (r.publication.AllTables || slices.Contains(r.publication.Schemas, schema)) {
		r.created[table] = true
		r.addBefore(sql)
	}
}

// recordColumnChanges records the columns that an ALTER TABLE adds, drops or changes.
func (r *statementReader) recordColumnChanges(table string, commands []*pgparse.Node, sql string) {
	quotedTable := quoteTable(table)
	clauses := pgparse.SplitClauses(sql, findAlterTableNameEnd(sql))
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
			typ := extractColumnType(sql[clauses[i].Start:clauses[i].End])
			r.types[table+"."+def.GetColname()] = typ
			r.addBefore("ALTER TABLE " + quotedTable + " ADD COLUMN " + pgparse.QuoteIdent(def.GetColname()) + " " + typ)
		case pgparse.AlterTableType_AT_DropColumn:
			r.dropped = append(r.dropped, column{quotedTable, c.GetName()})
		case pgparse.AlterTableType_AT_AlterColumnType:
			if i < len(clauses) {
				r.addBefore("ALTER TABLE " + quotedTable + " " + sql[clauses[i].Start:clauses[i].End])
			}
		}
	}
}

// recordRename records new names of tables and columns. A column that the plan added gets its final name when the old column is
// dropped.
func (r *statementReader) recordRename(n *pgparse.RenameStmt) {
	if n.RenameType == pgparse.ObjectType_OBJECT_TABLE && r.isExcepted(n.Relation) {
		schema, _, _ := strings.Cut(r.createdName(n.Relation), ".")
		r.except[schema+"."+n.Newname] = true
		return
	}
	table := r.resolveRelation(n.Relation)
	if !r.sendsTable(table) {
		return
	}
	quotedTable, now := quoteTable(table), pgparse.QuoteIdent(n.Newname)
	switch {
	case n.RenameType == pgparse.ObjectType_OBJECT_TABLE:
		schema, _, _ := strings.Cut(table, ".")
		r.names[schema+"."+n.Newname] = r.publishedName(table)
		r.need.Stops = true
		r.addAfter("ALTER TABLE " + quotedTable + " RENAME TO " + now)
	case n.RenameType != pgparse.ObjectType_OBJECT_COLUMN:
	case r.types[table+"."+n.Subname] == "":
		r.need.Stops = true
		r.addAfter("ALTER TABLE " + quotedTable + " RENAME COLUMN " + pgparse.QuoteIdent(n.Subname) + " TO " + now)
	default:
		typ := r.types[table+"."+n.Subname]
		countBefore := len(r.dropped)
		r.dropped = slices.DeleteFunc(r.dropped, func(c column) bool { return c == column{quotedTable, n.Newname} })
		if len(r.dropped) < countBefore {
			r.addBefore("ALTER TABLE " + quotedTable + " ALTER COLUMN " + now + " TYPE " + typ)
		} else {
			r.addBefore("ALTER TABLE " + quotedTable + " ADD COLUMN " + now + " " + typ)
		}
		r.addAfter("ALTER TABLE " + quotedTable + " DROP COLUMN " + pgparse.QuoteIdent(n.Subname))
	}
}

// resolveRelation returns a relation as "schema.name": the first in the search path that the publication sends, else in the first
// schema.
func (r *statementReader) resolveRelation(rv *pgparse.RangeVar) string {
	if rv.GetSchemaname() != "" || len(r.path) == 0 {
		return r.createdName(rv)
	}
	for _, schema := range r.path {
		if full := schema + "." + rv.GetRelname(); r.sendsTable(full) {
			return full
		}
	}
	return r.createdName(rv)
}

// publishedName returns the name that a table has before the plan.
func (r *statementReader) publishedName(table string) string { return cmp.Or(r.names[table], table) }

// sendsTable reports whether the publication sends every column of a table, or of its partitions.
func (r *statementReader) sendsTable(table string) bool {
	publishedTable := r.publishedName(table)
	return r.created[table] || slices.ContainsFunc(r.publication.Tables, func(t Table) bool {
		return !t.Listed && (t.Name == publishedTable || slices.Contains(t.Roots, publishedTable))
	})
}

// quoteTable returns a table's name, quoted for SQL.
func quoteTable(table string) string {
	schema, name, _ := strings.Cut(table, ".")
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(name)
}

// findAlterTableNameEnd returns the offset after the table's name in an ALTER TABLE.
func findAlterTableNameEnd(sql string) int {
	pos := pgparse.AfterWord(sql, "TABLE")
	for {
		l := pgparse.NextLexeme(sql, pos)
		switch strings.ToUpper(sql[l.Start:l.End]) {
		case "IF", "EXISTS", "ONLY":
			pos = l.End
			continue
		}
		end := pgparse.NameEnd(sql, l.Start)
		if star := pgparse.NextLexeme(sql, end); sql[star.Start:star.End] == "*" {
			return star.End
		}
		return end
	}
}

// typeEndWords are the words that can follow the type in a column definition.
var typeEndWords = []string{
	"CONSTRAINT", "NOT", "NULL", "DEFAULT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "GENERATED", "COLLATE",
	"COMPRESSION", "STORAGE", "DEFERRABLE", "INITIALLY", "OPTIONS",
}

// serials are types that imply a sequence, which a subscriber does not need.
var serials = map[string]string{
	"serial":      "integer",
	"serial4":     "integer",
	"bigserial":   "bigint",
	"serial8":     "bigint",
	"smallserial": "smallint",
	"serial2":     "smallint",
}

// extractColumnType returns the type in "ADD COLUMN name type …".
func extractColumnType(clause string) string {
	pos := pgparse.AfterWord(clause, "ADD")
	for {
		l := pgparse.NextLexeme(clause, pos)
		word := strings.ToUpper(clause[l.Start:l.End])
		if word != "COLUMN" && word != "IF" && word != "NOT" && word != "EXISTS" {
			break
		}
		pos = l.End
	}
	from := pgparse.NextLexeme(clause, pos).End // after the name
	end, depth := from, 0
	for {
		l := pgparse.NextLexeme(clause, end)
		text := clause[l.Start:l.End]
		if l.Kind == pgparse.LexemeEnd || depth == 0 && l.Kind == pgparse.LexemeWord && slices.Contains(typeEndWords, strings.ToUpper(text)) {
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
