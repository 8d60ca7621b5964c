package analysis

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// ColumnFills are the columns that migrations add, and whether one may have filled their older rows: "seen.job_new".
type ColumnFills struct {
	added, filled map[string]bool
	// words are the names in functions and programs that may fill columns. isUnread: a migration has code that is no SQL.
	words    map[string]bool
	isUnread bool
}

// CloneFills returns a copy, to which the scripts of a release are added.
func CloneFills(f *ColumnFills) *ColumnFills {
	if f == nil {
		return &ColumnFills{added: map[string]bool{}, filled: map[string]bool{}, words: map[string]bool{}}
	}
	return &ColumnFills{maps.Clone(f.added), maps.Clone(f.filled), maps.Clone(f.words), f.isUnread}
}

// AddScript adds what the statements of a script add and fill. A trigger's function fills the rows that are written after it. A fault costs the
// script alone.
func (f *ColumnFills) AddScript(s *script.Script) {
	defer func() {
		f.isUnread = recover() != nil || f.isUnread
	}()
	f.isUnread = f.isUnread || len(s.Source.Code) > 0
	for _, st := range s.Statements {
		if st.Node == nil {
			f.isUnread = true
			continue
		}
		update, alter := st.Node.GetUpdateStmt(), st.Node.GetAlterTableStmt()
		for _, n := range update.GetTargetList() {
			f.filled[update.Relation.Relname+"."+n.GetResTarget().GetName()] = true
		}
		for _, n := range alter.GetCmds() {
			if command := n.GetAlterTableCmd(); command.GetSubtype() == pgparse.AlterTableType_AT_AddColumn {
				f.added[alter.Relation.Relname+"."+command.GetDef().GetColumnDef().GetColname()] = true
			}
		}
		if update == nil && alter == nil && mayFill(st) {
			for _, name := range pgparse.ListNames(st.SQL) {
				f.words[name] = true
			}
		}
	}
}

// mayFill reports whether a statement is a program, or a part of one, that may update rows.
func mayFill(st *script.Statement) bool {
	fn := st.Node.GetCreateFunctionStmt()
	isTrigger := slices.ContainsFunc(fn.GetReturnType().GetNames(), func(n *pgparse.Node) bool { return n.GetString_().GetSval() == "trigger" })
	return !isTrigger && (fn != nil || st.Node.GetDoStmt() != nil || st.Node.GetSelectStmt() != nil || st.Node.GetMergeStmt() != nil ||
		st.Node.GetInsertStmt() != nil) && strings.Contains(strings.ToUpper(st.SQL), "UPDATE")
}

// IsUnfilled reports whether a migration added a column of a deployed table and, by all that is read, none filled its older rows.
func (f *ColumnFills) IsUnfilled(table, column string) bool {
	key := table + "." + column
	return f.added[key] && !f.filled[key] && !f.words[column] && !f.isUnread
}
