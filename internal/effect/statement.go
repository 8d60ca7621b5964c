package effect

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// runStatement calls the model of the statement's kind. There is no silent default: a kind is modelled,
// is listed as one that locks no relation, or is reported as unmodelled.
func (r *run) runStatement(msg any) {
	switch s := msg.(type) {
	case *pgparse.AlterTableStmt:
		r.alterTable(s)
	case *pgparse.CreateStmt:
		r.createTable(s, catalog.Table)
	case *pgparse.CreateForeignTableStmt:
		r.createTable(s.GetBaseStmt(), catalog.ForeignTable)
	case *pgparse.CreateTableAsStmt:
		r.createTableAs(s)
	case *pgparse.IndexStmt:
		r.createIndex(s)
	case *pgparse.DropStmt:
		r.dropObjects(s)
	case *pgparse.RenameStmt:
		r.renameObject(s)
	case *pgparse.AlterObjectSchemaStmt:
		r.setSchema(s)
	case *pgparse.AlterOwnerStmt:
		if s.GetObjectType() == pgparse.ObjectType_OBJECT_TYPE {
			schema, name := pgparse.SchemaAndName(s.GetObject().GetList().GetItems())
			if rel := r.typeRelation(schema, name); rel != nil {
				r.lockRelation(rel, accessExclusive)
			}
		}
	case *pgparse.TruncateStmt:
		r.truncateTables(s)
	case *pgparse.LockStmt:
		r.lockTable(s)
	case *pgparse.VacuumStmt:
		r.vacuumTables(s)
	case *pgparse.ClusterStmt:
		r.clusterTable(s)
	case *pgparse.ReindexStmt:
		r.rebuildIndexes(s)
	case *pgparse.CreateTrigStmt:
		r.createTrigger(s)
	case *pgparse.RuleStmt:
		r.createRule(s)
	case *pgparse.CreatePolicyStmt:
		r.lockPolicy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.AlterPolicyStmt:
		r.lockPolicy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.CreateStatsStmt:
		r.createStatistics(s)
	case *pgparse.ViewStmt:
		r.createView(s)
	case *pgparse.RefreshMatViewStmt:
		r.refreshView(s)
	case *pgparse.AlterDomainStmt:
		r.alterDomain(s)
	case *pgparse.CompositeTypeStmt:
		r.recordCreated(r.NewName(s.GetTypevar()), catalog.CompositeType)
	case *pgparse.CreateSeqStmt:
		r.createSequence(s)
	case *pgparse.AlterSeqStmt:
		r.alterSequence(s)
	case *pgparse.CommentStmt:
		r.commentOn(s.GetObjtype(), s.GetObject())
	case *pgparse.SecLabelStmt:
		r.commentOn(s.GetObjtype(), s.GetObject())
	case *pgparse.CreatePublicationStmt:
		r.lockPublishedTables(s.GetPubobjects())
	case *pgparse.AlterPublicationStmt:
		r.alterPublication(s)
	case *pgparse.GrantStmt:
		r.grantPrivileges(s)
	case *pgparse.AlterTableMoveAllStmt:
		r.moveTablespaceRelations(s)
	case *pgparse.CreateSchemaStmt:
		r.Schema = s.GetSchemaname()
		for _, n := range s.GetSchemaElts() {
			r.runStatement(pgparse.Unwrap(n))
		}
		r.Schema = ""
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
		r.lockQuery(s)
	case *pgparse.CopyStmt:
		r.copyRows(s)
	case *pgparse.ExplainStmt:
		r.explainQuery(s)
	case *pgparse.DeclareCursorStmt:
		r.lockPlanned(s.GetQuery())
	case *pgparse.PrepareStmt:
		r.prepareQuery(s.GetQuery())
	case *pgparse.AlterExtensionContentsStmt:
		r.alterExtension(s)
	case *pgparse.AlterObjectDependsStmt:
		r.recordDependency(s)
	case *pgparse.ImportForeignSchemaStmt, *pgparse.DropOwnedStmt, *pgparse.ReassignOwnedStmt, *pgparse.ExecuteStmt, *pgparse.DoStmt:
		r.recordOpaqueStatement(msg)
	case nil:
	case *pgparse.AlterSystemStmt:
		r.NoTransaction = "ALTER SYSTEM"
	case *pgparse.CreatedbStmt:
		r.NoTransaction = "CREATE DATABASE"
	case *pgparse.DropdbStmt:
		r.NoTransaction = "DROP DATABASE"
	case *pgparse.AlterDatabaseStmt:
		for _, o := range s.GetOptions() {
			if o.GetDefElem().GetDefname() == "tablespace" {
				r.NoTransaction = "ALTER DATABASE SET TABLESPACE"
			}
		}
	case *pgparse.CreateTableSpaceStmt:
		r.NoTransaction = "CREATE TABLESPACE"
	case *pgparse.DropTableSpaceStmt:
		r.NoTransaction = "DROP TABLESPACE"
	case *pgparse.CreateSubscriptionStmt, *pgparse.DropSubscriptionStmt, *pgparse.AlterSubscriptionStmt:
		r.markNoTransaction(msg)
	case *pgparse.DiscardStmt:
		if s.GetTarget() == pgparse.DiscardMode_DISCARD_ALL {
			r.NoTransaction = "DISCARD ALL"
		}
	case *pgparse.TransactionStmt:
		switch s.GetKind() {
		case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED:
			r.NoTransaction = "COMMIT PREPARED"
		case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
			r.NoTransaction = "ROLLBACK PREPARED"
		}
	case *pgparse.AlterExtensionStmt:
		r.Unmodelled = "ALTER EXTENSION … UPDATE: the script of the update is not read, which may lock and change what belongs to the extension"
		if strings.EqualFold(s.GetExtname(), "timescaledb") {
			r.Unmodelled += "; TimescaleDB wants it as the first statement of a session of its own (psql -X)"
		}
	case *pgparse.CreateFunctionStmt, *pgparse.CallStmt, *pgparse.CreateEnumStmt, *pgparse.CreateDomainStmt, *pgparse.CreateRangeStmt,
		*pgparse.CreateEventTrigStmt, *pgparse.CreateForeignServerStmt, *pgparse.CreateUserMappingStmt,
		*pgparse.AlterStatsStmt, *pgparse.AlterEnumStmt, *pgparse.AlterTypeStmt, *pgparse.DefineStmt,
		*pgparse.AlterFunctionStmt,
		*pgparse.CreateCastStmt, *pgparse.CreateConversionStmt, *pgparse.CreateTransformStmt,
		*pgparse.CreateOpClassStmt, *pgparse.CreateOpFamilyStmt, *pgparse.AlterOpFamilyStmt, *pgparse.AlterOperatorStmt,
		*pgparse.AlterTSDictionaryStmt, *pgparse.AlterTSConfigurationStmt, *pgparse.AlterCollationStmt,
		*pgparse.CreateExtensionStmt,
		*pgparse.CreateFdwStmt, *pgparse.AlterFdwStmt, *pgparse.AlterForeignServerStmt,
		*pgparse.AlterUserMappingStmt, *pgparse.DropUserMappingStmt,
		*pgparse.CreateAmStmt, *pgparse.CreatePLangStmt, *pgparse.AlterEventTrigStmt,
		*pgparse.CreateRoleStmt, *pgparse.AlterRoleStmt, *pgparse.AlterRoleSetStmt, *pgparse.DropRoleStmt,
		*pgparse.GrantRoleStmt, *pgparse.AlterDefaultPrivilegesStmt,
		*pgparse.AlterDatabaseSetStmt, *pgparse.AlterDatabaseRefreshCollStmt, *pgparse.AlterTableSpaceOptionsStmt,
		*pgparse.VariableSetStmt, *pgparse.VariableShowStmt, *pgparse.ConstraintsSetStmt,
		*pgparse.NotifyStmt, *pgparse.ListenStmt, *pgparse.UnlistenStmt, *pgparse.LoadStmt, *pgparse.CheckPointStmt,
		*pgparse.DeallocateStmt, *pgparse.ClosePortalStmt, *pgparse.FetchStmt:
	default:
		r.recordUnmodelled(msg)
	}
}

// explainQuery runs its statement only with ANALYZE, but plans and locks it always.
func (r *run) explainQuery(s *pgparse.ExplainStmt) {
	analyze := false
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() == "analyze" {
			analyze = pgparse.BoolValue(o.GetDefElem())
		}
	}
	if _, utility := pgparse.Unwrap(s.GetQuery()).(*pgparse.RefreshMatViewStmt); utility {
		return // it has no plan, and is not carried out either
	}
	if analyze {
		r.runStatement(pgparse.Unwrap(s.GetQuery()))
		return
	}
	r.lockPlanned(s.GetQuery())
}

// lockPlanned locks what a statement names without running it.
func (r *run) lockPlanned(query *pgparse.Node) {
	inner := run{Checker: refusal.Checker{C: r.C, V: r.V}, in: r.in}
	inner.runStatement(pgparse.Unwrap(query))
	r.addLocks(&inner)
}

// prepareQuery is PREPARE: its query is analyzed and rewritten. Nothing is planned, so that neither partitions nor
// foreign keys are locked.
func (r *run) prepareQuery(query *pgparse.Node) {
	inner := run{Checker: refusal.Checker{C: r.C, V: r.V, Made: r.Made}, in: r.in, namedOnly: true, prepares: true}
	inner.lockQuery(pgparse.Unwrap(query))
	r.addLocks(&inner)
}

// addLocks adds the locks of another run, but not the work under them.
func (r *run) addLocks(inner *run) {
	for i := range inner.Effects {
		e := &inner.Effects[i]
		if e.Created {
			continue
		}
		e.Rewrites, e.RebuildsIndex, e.BuildsIndex, e.Scans, e.Rows, e.RowLocks = false, false, false, false, false, false
		r.Effects = append(r.Effects, *e)
	}
}

// recordDependency is ALTER … DEPENDS ON EXTENSION.
func (r *run) recordDependency(s *pgparse.AlterObjectDependsStmt) {
	rv := s.GetRelation()
	if rv == nil {
		return
	}
	if rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetObjectType()), false); rel != nil {
		if s.GetObjectType() == pgparse.ObjectType_OBJECT_TRIGGER {
			r.lockRelation(rel, as)
			return
		}
		r.lockRelation(rel, accessExclusive)
	}
}

// moveTablespaceRelations is ALTER TABLE ALL IN TABLESPACE.
func (r *run) moveTablespaceRelations(s *pgparse.AlterTableMoveAllStmt) {
	want := func(k catalog.Kind) bool {
		switch s.GetObjtype() {
		case pgparse.ObjectType_OBJECT_INDEX:
			return k == catalog.Index || k == catalog.PartitionedIndex
		case pgparse.ObjectType_OBJECT_MATVIEW:
			return k == catalog.MaterializedView
		}
		return k.IsTable()
	}
	if s.GetOrigTablespacename() == s.GetNewTablespacename() {
		return
	}
	owners := map[string]bool{}
	for _, n := range s.GetRoles() {
		owners[n.GetRoleSpec().GetRolename()] = true
	}
	kind, scope := catalog.Table, "every table"
	switch s.GetObjtype() {
	case pgparse.ObjectType_OBJECT_INDEX:
		kind, scope = catalog.Index, "every index"
	case pgparse.ObjectType_OBJECT_MATVIEW:
		kind, scope = catalog.MaterializedView, "every materialized view"
	}
	recordCopy(&r.recordUnlisted(scope+" of tablespace "+s.GetOrigTablespacename(), kind, accessExclusive).Effect)
	r.C.EachRelation(func(rel *catalog.Relation) bool {
		if len(owners) > 0 && !owners[rel.Owner] {
			return true
		}
		tablespace := rel.Tablespace
		if tablespace == "" {
			tablespace = "pg_default"
		}
		if want(rel.Kind) && tablespace == s.GetOrigTablespacename() && rel.Persistence != catalog.Temporary {
			if e := r.lockRelation(rel, accessExclusive); hasStorage(rel) {
				recordCopy(e)
			}
		}
		return true
	})
	// Nothing that was seen is there: who put it there was not seen either.
	r.Unlisted.Sure = len(r.Effects) == 0 && s.GetOrigTablespacename() != "pg_default" &&
		r.C.Object("tablespace", catalog.Name{Name: s.GetOrigTablespacename()}) == nil
	r.sortEffects()
}

// recordOpaqueStatement names statements whose effects are in something that is not in the
// text.
func (r *run) recordOpaqueStatement(msg any) {
	switch s := msg.(type) {
	case *pgparse.DropOwnedStmt:
		r.dropOwned(s)
	case *pgparse.ReassignOwnedStmt:
		for _, rel := range r.C.OwnedBy(catalog.RolesOf(s.GetRoles())) {
			r.changeOwner(rel)
		}
	case *pgparse.ImportForeignSchemaStmt:
		// Only new foreign tables.
	case *pgparse.ExecuteStmt:
		r.Unmodelled = "EXECUTE: the prepared statement is not in the text"
	case *pgparse.DoStmt:
		// The statements in the block are judged one by one (package script).
	}
}

// recordUnmodelled names a statement form by its node's type: AlterFooStmt.
func (r *run) recordUnmodelled(msg any) {
	name := strings.TrimPrefix(fmt.Sprintf("%T", msg), "*")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	r.Unmodelled = name
}
