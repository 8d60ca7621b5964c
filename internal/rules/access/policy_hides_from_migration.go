package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PolicyHidesFromMigration flags a write of the migration on a table whose row level security binds the owner, too.
// https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var PolicyHidesFromMigration = &rule.Rule{
	ID:       "policy-hides-from-migration",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	MayFail:  true,
	Summary:  "policies hide rows from the migration itself, because row level security is forced on the owner",
	Harm: "With FORCE ROW LEVEL SECURITY the owner sees only the rows that the policies show. Policies usually ask for a setting that the " +
		"application sets, and a migration does not. Its UPDATE or DELETE then finds no row, succeeds, and is recorded as applied. " +
		"Only superusers and roles with BYPASSRLS see all rows, such as the role that most tests use.",
	Instead: "Run the statement as a role with BYPASSRLS, or take the force off the table for it.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-rowsecurity.html", "https://www.postgresql.org/docs/current/sql-createpolicy.html"},
	Kinds:   rule.Data,

	Statement: checkHiddenFromMigration,
}

func checkHiddenFromMigration(p *rule.Pass, s *rule.Stmt) {
	for _, w := range p.ListWrites(s) {
		table, command := w.Table, strings.ToLower(w.Verb)
		if w.Verb == "MERGE" {
			command = "update"
		}
		refused := w.Verb == "INSERT" && bindsOwner(table) && refusesRows(table)
		if w.Verb == "INSERT" && !refused || !bindsOwner(table) || showsAllRows(table, command) && showsAllRows(table, "select") {
			if table = findHiddenSource(s, &w); table == nil {
				continue
			}
			command = "select"
		}
		if p.IsNew(table.OID) && !p.Rows.HasRows(table.OID) && !refused || setsIdentity(s) {
			continue
		}
		reportHiddenRows(p, s, &w, table, command)
		return
	}
}

// bindsOwner reports whether the policies of a table hold for its owner.
func bindsOwner(t *catalog.Relation) bool { return t.RLS && t.ForceRLS && !t.Inferred }

// showsAllRows reports whether a policy shows all rows of a table to somebody for a command, or asks who it is: that may be the
// role that migrates.
func showsAllRows(t *catalog.Relation, command string) bool {
	return slices.ContainsFunc(t.Policies, func(o *catalog.Policy) bool {
		return o.Permissive && coversCommand(o, command) && (predicate.ConstantTrue(o.Using) || asksForRole(o.Using))
	})
}

// asksForRole reports whether a condition names the current role.
func asksForRole(condition *pgparse.Node) bool {
	return pgparse.Contains(condition, func(*pgparse.SQLValueFunction) bool { return true }) ||
		pgparse.Contains(condition, func(f *pgparse.FuncCall) bool {
			name := pgparse.LastText(f.GetFuncname())
			return strings.HasPrefix(name, "pg_has_role") || name != "current_setting" && strings.Contains(name, "user")
		})
}

// refusesRows reports whether the policies of a table refuse each new row while a setting is not set.
func refusesRows(t *catalog.Relation) bool {
	return !slices.ContainsFunc(t.Policies, func(o *catalog.Policy) bool {
		return o.Permissive && coversCommand(o, "insert") && findSetting(nil, writeCondition(o)) == ""
	})
}

// findHiddenSource finds a table that a write reads, and whose rows policies hide from the owner; nil for none.
func findHiddenSource(s *rule.Stmt, w *analysis.Write) *catalog.Relation {
	var found *catalog.Relation
	pgparse.Walk(s.Node, func(msg any) bool {
		if rv, ok := msg.(*pgparse.RangeVar); ok && found == nil {
			if t, known := s.Before.Resolve(rv); known && t.OID != w.Table.OID && bindsOwner(t) && !showsAllRows(t, "select") {
				found = t
			}
		}
		return found == nil
	})
	return found
}

// setsIdentity reports whether an earlier statement of the migration sets what policies may ask for: a role or a setting.
func setsIdentity(s *rule.Stmt) bool {
	return slices.ContainsFunc(s.Migration.Statements[:s.Index], func(o *rule.Stmt) bool {
		if set := o.Node.GetVariableSetStmt(); set != nil {
			name := strings.ToLower(set.GetName())
			return strings.Contains(name, ".") || name == "role" || name == "session_authorization" || name == "row_security"
		}
		return o.Node.GetSelectStmt() != nil && strings.Contains(strings.ToLower(o.SQL), "set_config")
	})
}

func reportHiddenRows(p *rule.Pass, s *rule.Stmt, w *analysis.Write, table *catalog.Relation, command string) {
	name := table.Name.String()
	r := rule.Report{
		Fact:     w.Verb + " sees only the rows of " + name + " that its policies show: it has FORCE ROW LEVEL SECURITY",
		Harm:     "run as the owner, it touches fewer rows than it names, or none, and nothing fails",
		Severity: onward.Warning,
		Instead: "run it as a role with BYPASSRLS, or take the force off for this statement, in one transaction:\nALTER TABLE " +
			analysis.QuoteTable(table.Name) + " NO FORCE ROW LEVEL SECURITY;\n…\nALTER TABLE " + analysis.QuoteTable(table.Name) + " FORCE ROW LEVEL SECURITY;",
	}
	covered := slices.ContainsFunc(table.Policies, func(o *catalog.Policy) bool { return o.Permissive && coversCommand(o, command) })
	switch {
	case command == "insert":
		r.Fact = "policies of " + name + " refuse the rows of INSERT: it has FORCE ROW LEVEL SECURITY"
		r.Harm = "run as the owner, it fails: new row violates row-level security policy for table \"" + table.Name.Name + "\""
	case !covered:
		r.Fact = w.Verb + " sees no row of " + name + ": it has FORCE ROW LEVEL SECURITY, and no policy for " + strings.ToUpper(command)
		r.Harm = "run as the owner, it does nothing, and nothing fails"
	}
	if required, column := findSetNotNull(s, w); required != nil && !s.IsOptional() {
		r.Severity = onward.Error
		r.Harm += "; then SET NOT NULL at " + required.FormatPlace() + " fails on a table with rows: column \"" + column + "\" contains null values"
	}
	r.Harm += ", unless the role is a superuser or has BYPASSRLS"
	p.Report(s, r)
}

// findSetNotNull finds the later statement of the migration that sets a column NOT NULL which the write fills.
func findSetNotNull(s *rule.Stmt, w *analysis.Write) (required *rule.Stmt, column string) {
	update, ok := w.Node.(*pgparse.UpdateStmt)
	if !ok {
		return nil, ""
	}
	for _, laterStmt := range rule.StatementsAfter(s.Migration.StatementsOn(w.Table.Name), s) {
		for _, n := range laterStmt.Node.GetAlterTableStmt().GetCmds() {
			cmd := n.GetAlterTableCmd()
			if cmd.GetSubtype() == pgparse.AlterTableType_AT_SetNotNull && slices.ContainsFunc(update.GetTargetList(), func(t *pgparse.Node) bool {
				return t.GetResTarget().GetName() == cmd.GetName()
			}) {
				return laterStmt, cmd.GetName()
			}
		}
	}
	return nil, ""
}
