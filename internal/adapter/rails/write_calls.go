package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// callFormatter finds the calls of Active Record that send a statement.
type callFormatter struct {
	version version
	project *project
}

// assuredCalls are the beginnings of calls that strong_migrations accepts in the forms that are written here.
var assuredCalls = []string{"add_index ", "add_column ", "add_foreign_key ", "validate_", "add_check_constraint "}

// formatCall returns the call that sends a statement of a plan; "" if there is none that sends exactly this. The call is read back: it counts
// only if Active Record sends the same statement for it.
func (f callFormatter) formatCall(p *onward.Plan, sql string) string {
	tree := pgparse.ParseStatement(sql)
	call := f.proposeCall(p, sql, tree)
	if call == "" || strings.Contains(call, "\n") {
		return ""
	}
	code, _, ok := rubycode.Read("class C < ActiveRecord::Migration\n  def up\n    " + call + "\n  end\nend\n")
	if !ok {
		return ""
	}
	run, found := code.Run(code.ListClasses()[0], "up", &translator{version: f.version, schema: newSchema(), project: f.project})
	if !found || len(run.Unread) > 0 || len(run.Parts) != 1 || !pgparse.Equal(tree, pgparse.ParseStatement(run.Parts[0].SQL)) {
		return ""
	}
	return call
}

// proposeCall returns a call that may send a statement.
func (f callFormatter) proposeCall(p *onward.Plan, sql string, tree *pgparse.Node) string {
	if i := tree.GetIndexStmt(); i != nil {
		return proposeIndex(i, sql)
	}
	a := tree.GetAlterTableStmt()
	if a == nil || len(a.Cmds) != 1 || a.Relation == nil {
		return ""
	}
	table, cmd := formatRubyName(qualifiedName(a.Relation)), a.Cmds[0].GetAlterTableCmd()
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddConstraint:
		return f.proposeConstraint(table, cmd.GetDef().GetConstraint(), sql)
	case pgparse.AlterTableType_AT_ValidateConstraint:
		return f.proposeValidation(p, table, cmd.GetName())
	case pgparse.AlterTableType_AT_AddColumn:
		return proposeColumn(table, cmd.GetDef().GetColumnDef())
	case pgparse.AlterTableType_AT_DropColumn:
		return "remove_column " + table + ", " + formatRubyName(cmd.GetName())
	case pgparse.AlterTableType_AT_SetNotNull:
		return "change_column_null " + table + ", " + formatRubyName(cmd.GetName()) + ", false"
	case pgparse.AlterTableType_AT_DropNotNull:
		return "change_column_null " + table + ", " + formatRubyName(cmd.GetName()) + ", true"
	}
	return ""
}

// wherePattern matches the condition of an index.
var wherePattern = lazyregexp.New(`(?is)\)\s*WHERE\s+(.*)$`)

// proposeIndex returns a call of add_index for an index of columns.
func proposeIndex(i *pgparse.IndexStmt, sql string) string {
	var columns []string
	for _, e := range i.IndexParams {
		name := e.GetIndexElem().GetName()
		if name == "" {
			return ""
		}
		columns = append(columns, formatRubyName(name))
	}
	if i.Relation == nil || i.Idxname == "" || len(columns) == 0 {
		return ""
	}
	call := "add_index " + formatRubyName(qualifiedName(i.Relation)) + ", " + joinNames(columns) + ", name: " + quoteRuby(i.Idxname)
	if i.Unique {
		call += ", unique: true"
	}
	if m := wherePattern.FindStringSubmatch(sql); m != nil {
		call += ", where: " + quoteRuby(m[1])
	}
	if i.AccessMethod != "btree" {
		call += ", using: " + formatRubyName(i.AccessMethod)
	}
	if i.Concurrent {
		call += ", algorithm: :concurrently"
	}
	return call
}

// The versions that have these calls (activerecord/CHANGELOG.md).
const (
	validationSince = version(502)
	checkSince      = version(601)
)

// check matches the condition of a constraint that is not valid.
var check = lazyregexp.New(`(?is)\bCHECK\s*\((.*)\)\s*NOT VALID$`)

// proposeConstraint returns a call that adds a constraint as not valid.
func (f callFormatter) proposeConstraint(table string, c *pgparse.Constraint, sql string) string {
	switch {
	case c == nil || !c.SkipValidation || c.Conname == "":
	case c.Contype == pgparse.ConstrType_CONSTR_CHECK && f.project.library >= checkSince:
		if m := check.FindStringSubmatch(sql); m != nil {
			return "add_check_constraint " + table + ", " + quoteRuby(m[1]) + ", name: " + quoteRuby(c.Conname) + ", validate: false"
		}
	case c.Contype == pgparse.ConstrType_CONSTR_FOREIGN && f.project.library >= validationSince &&
		len(c.FkAttrs) == 1 && len(c.PkAttrs) == 1 && c.Pktable != nil:
		call := "add_foreign_key " + table + ", " + formatRubyName(qualifiedName(c.Pktable)) + ", column: " + formatRubyName(c.FkAttrs[0].GetString_().GetSval())
		if key := c.PkAttrs[0].GetString_().GetSval(); key != "id" {
			call += ", primary_key: " + formatRubyName(key)
		}
		call += ", name: " + quoteRuby(c.Conname)
		for _, x := range []struct{ option, action string }{{"on_delete", c.FkDelAction}, {"on_update", c.FkUpdAction}} {
			if word := map[string]string{"c": "cascade", "n": "nullify", "r": "restrict"}[x.action]; word != "" {
				call += ", " + x.option + ": :" + word
			}
		}
		return call + ", validate: false"
	}
	return ""
}

// proposeValidation returns a call that validates a constraint, by its kind if a step of the plan adds it.
func (f callFormatter) proposeValidation(p *onward.Plan, table, name string) string {
	switch kind := addedConstraintKind(p, name); {
	case f.project.library < validationSince:
		return ""
	case kind == pgparse.ConstrType_CONSTR_FOREIGN:
		return "validate_foreign_key " + table + ", name: " + quoteRuby(name)
	case kind == pgparse.ConstrType_CONSTR_CHECK && f.project.library >= checkSince:
		return "validate_check_constraint " + table + ", name: " + quoteRuby(name)
	}
	return "validate_constraint " + table + ", " + quoteRuby(name)
}

// addedConstraintKind returns the kind of the constraint with a name that a plan adds; 0 if it adds none.
func addedConstraintKind(p *onward.Plan, name string) pgparse.ConstrType {
	for i := range p.Steps {
		if !strings.Contains(p.Steps[i].SQL, name) || !strings.Contains(p.Steps[i].SQL, "ADD CONSTRAINT") {
			continue
		}
		cut, err := pgparse.SplitText(p.Steps[i].SQL)
		if err != nil {
			continue
		}
		for _, s := range cut.Stmts {
			for _, cmd := range s.Node.GetAlterTableStmt().GetCmds() {
				if c := cmd.GetAlterTableCmd().GetDef().GetConstraint(); c.GetConname() == name {
					return c.GetContype()
				}
			}
		}
	}
	return 0
}

// columnTypes are the types of Active Record that are one type of Postgres in every version.
var columnTypes = map[string]string{
	"text": "text", "varchar": "string", "int4": "integer", "int8": "bigint", "bool": "boolean", "uuid": "uuid", "json": "json", "jsonb": "jsonb",
	"date":  "date",
	"bytea": "binary", "float8": "float",
}

// proposeColumn returns a call of add_column for a column without a default and conditions.
func proposeColumn(table string, d *pgparse.ColumnDef) string {
	names := d.GetTypeName().GetNames()
	if len(names) == 0 || len(d.GetConstraints()) > 0 {
		return ""
	}
	kind := columnTypes[names[len(names)-1].GetString_().GetSval()]
	if kind == "" {
		return ""
	}
	return "add_column " + table + ", " + formatRubyName(d.Colname) + ", :" + kind
}

func qualifiedName(r *pgparse.RangeVar) string {
	if r.Schemaname == "" {
		return r.Relname
	}
	return r.Schemaname + "." + r.Relname
}

// symbolName matches names that need no quotes as symbols.
var symbolName = lazyregexp.New(`^[a-z_][a-z0-9_]*$`)

// formatRubyName returns a symbol, or a text if the name needs quotes.
func formatRubyName(name string) string {
	if symbolName.MatchString(name) {
		return ":" + name
	}
	return quoteRuby(name)
}

// joinNames returns a name, or a list of names.
func joinNames(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return "[" + strings.Join(list, ", ") + "]"
}
