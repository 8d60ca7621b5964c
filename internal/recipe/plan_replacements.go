package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// planReplacements returns which column replaces which. Before it exchanges them, onward apply copies what the old column has on the target
// (comments, privileges, settings, dependent objects) to the new one. Sets are the properties that the release itself changes, which are not copied, and
// Known is what was on the old table when the plan was made.
func (w *replacement) planReplacements() []onward.PlanReplacement {
	out := onward.PlanReplacement{
		Kind:      onward.ReplacementColumn,
		Old:       tableName(w.t),
		New:       tableName(w.t),
		OldColumn: w.old.Name,
		NewColumn: w.newName,
		Known:     w.c.Release.listKnownObjects(w.t),
	}
	if w.declaredByComment || w.old.Comment != w.newColumn.Comment {
		out.Sets = append(out.Sets, "comment")
	}
	if w.old.StatisticsTarget != w.newColumn.StatisticsTarget {
		out.Sets = append(out.Sets, "settings")
	}
	out.Sets = append(out.Sets, w.c.Release.listChangedComments(w.t)...)
	out.Sets = append(out.Sets, w.c.Release.listChangedForms(w.t)...)
	for _, g := range differingGrants(listColumnGrants(w.t, w.old.Name), listColumnGrants(w.head, w.newColumn.Name)) {
		out.Sets = append(out.Sets, g.Privilege+" to "+strings.ToLower(quoteRole(g.Role)))
	}
	return []onward.PlanReplacement{out}
}

// planReplacements returns which columns replace the split one. Their values are different, so they inherit only its privileges.
func (s *split) planReplacements() (out []onward.PlanReplacement) {
	for _, p := range s.parts {
		out = append(out, onward.PlanReplacement{Kind: onward.ReplacementColumn, Old: tableName(s.t), New: tableName(s.t), OldColumn: s.old.old.Name, NewColumn: p.newColumn.Name,
			Sets: append([]string{"comment", "settings", "default"}, s.first.Release.listChangedForms(s.t)...), Known: s.first.Release.listKnownObjects(s.t)})
	}
	return out
}

// planReplacements returns which table replaces which.
func (s *shadowTable) planReplacements(t, fresh *catalog.Relation) []onward.PlanReplacement {
	out := onward.PlanReplacement{Kind: onward.ReplacementTable, Old: tableName(t), New: tableName(fresh), Known: s.release.listKnownObjects(t)}
	set := func(changed bool, property string) {
		if changed {
			out.Sets = append(out.Sets, property)
		}
	}
	set(s.head.Owner != s.t.Owner, "owner")
	set(s.head.Comment != s.t.Comment, "comment")
	set(s.head.ReplicaIdentity != s.t.ReplicaIdentity, "replica identity")
	for _, col := range s.head.Columns {
		old := t.Column(col.Name)
		set(old != nil && old.Comment != col.Comment, onward.CommentOn+col.Name)
		if r := col.RareColumn; old != nil && r != nil { // a CREATE TABLE says it
			set(r.Storage != "" && (old.RareColumn == nil || old.Storage != r.Storage), "storage of "+col.Name)
			set(r.Compression != "" && (old.RareColumn == nil || old.Compression != r.Compression), "compression of "+col.Name)
		}
	}
	for _, c := range s.changes {
		set(len(c.Node.GetCreateStmt().GetOptions()) > 0, "storage parameters")
	}
	out.Sets = append(out.Sets, s.release.listChangedComments(s.t)...)
	out.Sets = append(out.Sets, s.release.listChangedForms(s.t)...)
	for _, g := range differingGrants(s.t.Grants, s.head.Grants) {
		word, _ := splitColumnPrivilege(g)
		for _, p := range expandPrivilege(word) {
			out.Sets = append(out.Sets, p+" to "+strings.ToLower(quoteRole(g.Role)))
		}
	}
	return []onward.PlanReplacement{out}
}

// listChangedComments returns the constraints and triggers of a table, and the indexes and statistics objects, whose comments the release changes, for
// [onward.PlanReplacement.Sets].
func (r *Release) listChangedComments(t *catalog.Relation) (sets []string) {
	for _, c := range r.changes {
		stmt := c.Node.GetCommentStmt()
		names := pgparse.StringTexts(stmt.GetObject().GetList().GetItems())
		if len(names) == 0 {
			continue
		}
		last := names[len(names)-1]
		word, set := "", false
		switch stmt.Objtype {
		case pgparse.ObjectType_OBJECT_INDEX:
			word, set = "index", true
		case pgparse.ObjectType_OBJECT_STATISTIC_EXT:
			word, set = "statistics", true
		case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
			word, set = "constraint", slices.Contains(names[:len(names)-1], t.Name.Name)
		case pgparse.ObjectType_OBJECT_TRIGGER:
			word, set = "trigger", slices.Contains(names[:len(names)-1], t.Name.Name)
		}
		if set {
			sets = append(sets, onward.CommentOn+word+" "+last)
		}
	}
	return sets
}

// listChangedForms returns the indexes and the constraints of a table that the release itself drops, makes or alters, for
// [onward.PlanReplacement.Sets].
func (r *Release) listChangedForms(t *catalog.Relation) (sets []string) {
	if sets, ok := r.changedForms[t.Name.Name]; ok {
		return sets
	}
	if r.changedForms == nil {
		r.changedForms = map[string][]string{}
	}
	defer func() { r.changedForms[t.Name.Name] = slices.Clip(sets) }()
	known := map[string]bool{"": true}
	add := func(name string) {
		if !known[name] {
			known[name] = true
			sets = append(sets, onward.FormOf+name)
		}
	}
	for i, c := range r.changes {
		if i > 0 && r.changes[i-1].Stmt == c.Stmt { // another command of the same statement
			continue
		}
		switch n := c.Node.GetNode().(type) {
		case *pgparse.Node_AlterTableStmt:
			if n.AlterTableStmt.GetRelation().GetRelname() != t.Name.Name {
				if n.AlterTableStmt.Objtype == pgparse.ObjectType_OBJECT_INDEX {
					add(n.AlterTableStmt.GetRelation().GetRelname())
				}
				continue
			}
			for _, cmd := range n.AlterTableStmt.Cmds {
				command := cmd.GetAlterTableCmd()
				add(command.GetDef().GetConstraint().GetConname())
				switch command.GetSubtype() {
				case pgparse.AlterTableType_AT_DropConstraint, pgparse.AlterTableType_AT_AlterConstraint:
					add(command.GetName())
				}
			}
		case *pgparse.Node_IndexStmt:
			if n.IndexStmt.GetRelation().GetRelname() == t.Name.Name {
				add(n.IndexStmt.Idxname)
			}
		case *pgparse.Node_DropStmt:
			if n.DropStmt.RemoveType == pgparse.ObjectType_OBJECT_INDEX {
				for _, object := range n.DropStmt.Objects {
					add(pgparse.LastText(object.GetList().GetItems()))
				}
			}
		}
	}
	return sets
}

// differingGrants returns the privileges that only one of two lists has.
func differingGrants(a, b []catalog.Grant) (out []catalog.Grant) {
	for _, pair := range [][2][]catalog.Grant{{a, b}, {b, a}} {
		for _, g := range pair[0] {
			if !slices.Contains(pair[1], g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// expandPrivilege returns the privileges on a table that a word of GRANT means.
func expandPrivilege(privilege string) []string {
	if privilege != "all" {
		return []string{privilege}
	}
	return catalog.ListPrivileges(pgparse.ObjectType_OBJECT_TABLE)
}

// columnGrantStatements returns the statements that give a new column the privileges on an old one.
func columnGrantStatements(t *catalog.Relation, old, fresh string) (out []string) {
	for _, g := range listColumnGrants(t, old) {
		out = append(out, "GRANT "+strings.ToUpper(g.Privilege)+" ("+quoteIdent(fresh)+") ON "+tableName(t)+" TO "+quoteRole(g.Role))
	}
	return out
}

// listColumnGrants returns the privileges on a column alone, without its name.
func listColumnGrants(t *catalog.Relation, column string) (out []catalog.Grant) {
	for _, g := range t.Grants {
		if word, columns := splitColumnPrivilege(g); slices.Contains(columns, column) {
			out = append(out, catalog.Grant{Role: g.Role, Privilege: word})
		}
	}
	return out
}

// splitColumnPrivilege splits a privilege on columns into word and columns; nil for a privilege on the whole table.
func splitColumnPrivilege(g catalog.Grant) (word string, columns []string) {
	word, list, ok := strings.Cut(g.Privilege, " (")
	if !ok {
		return g.Privilege, nil
	}
	return word, strings.Split(strings.TrimSuffix(list, ")"), ", ")
}

// formatPrivilege formats a privilege for GRANT.
func formatPrivilege(g catalog.Grant) string {
	word, columns := splitColumnPrivilege(g)
	if columns == nil {
		return word
	}
	return word + " (" + analysis.QuoteIdents(columns) + ")"
}

// listGrants returns the privileges on a relation that each version of a plan has: MAINTAIN is known from 17 on.
func (r *Release) listGrants(t *catalog.Relation) []catalog.Grant {
	if !slices.ContainsFunc(r.Versions, func(v int) bool { return v < 17 }) {
		return t.Grants
	}
	return slices.DeleteFunc(slices.Clone(t.Grants), func(g catalog.Grant) bool { return g.Privilege == "maintain" })
}

// statisticsStatements gives the new column its statistics target at the head.
func (w *replacement) statisticsStatements(alter string) []string {
	return setStatistics(alter, w.newName, w.newColumn)
}

// setStatistics gives a column the statistics target of another one.
func setStatistics(alter, column string, like *catalog.Column) []string {
	if like.StatisticsTarget == "" {
		return nil
	}
	return []string{alter + "ALTER COLUMN " + quoteIdent(column) + " SET STATISTICS " + like.StatisticsTarget}
}
