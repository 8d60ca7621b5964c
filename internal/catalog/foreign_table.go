package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// statementName returns the parser's name of a statement, for notes: "AlterTable" for *ast.AlterTableStmt.
func statementName(msg any) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", msg), "*ast."), "Stmt")
}

// https://www.postgresql.org/docs/current/sql-createforeigntable.html
func (f *fold) createForeignTable(s *pgparse.CreateForeignTableStmt) {
	t := f.createTable(s.GetBaseStmt(), ForeignTable)
	if t != nil {
		t.copyRare().Options = mergeGenericOptions(t.Options, s.GetOptions())
	}
}

// importForeignSchema folds IMPORT FOREIGN SCHEMA … LIMIT TO (a, b). Without that list the
// tables are not known, and the statement counts as not modelled.
func (f *fold) importForeignSchema(s *pgparse.ImportForeignSchemaStmt) {
	if s.GetListType() != pgparse.ImportForeignSchemaType_FDW_IMPORT_SCHEMA_LIMIT_TO {
		f.recordUnmodelled("IMPORT FOREIGN SCHEMA " + s.GetRemoteSchema())
		return
	}
	for _, n := range s.GetTableList() {
		name := Name{clipName(s.GetLocalSchema()), clipName(n.GetRangeVar().GetRelname())}
		if f.Lookup(name.Schema, name.Name) == nil {
			f.storeRelation(&Relation{Name: name, Kind: ForeignTable, NextAttnum: 1, Partial: true, Rare: &plain})
		}
	}
}

// moveAllToTablespace is ALTER TABLE ALL IN TABLESPACE … OWNED BY … SET TABLESPACE ….
func (f *fold) moveAllToTablespace(s *pgparse.AlterTableMoveAllStmt) {
	kind := KindOfObject(s.GetObjtype())
	owners := RolesOf(s.GetRoles())
	for _, oid := range f.sortedRelations(func(r *Relation) bool {
		return r.Tablespace == s.GetOrigTablespacename() && (r.Kind == kind || kind == Table && r.Kind == PartitionedTable) &&
			(len(s.GetRoles()) == 0 || slices.Contains(owners, r.Owner))
	}) {
		f.editRelation(oid).copyRare().Tablespace = s.GetNewTablespacename()
	}
}
