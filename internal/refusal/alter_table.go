package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkAlterTable checks ALTER TABLE, and statements that the parser reads as one, such as ALTER INDEX.
func (q *Checker) checkAlterTable(s *pgparse.AlterTableStmt) {
	a := q.NewAlteration(s)
	if a == nil {
		return
	}
	a.EachCommand(func(cmd *pgparse.AlterTableCmd) bool {
		if a.checkCommandKind(cmd) {
			a.checkCommand(cmd)
		}
		return q.Refusal == nil
	})
}

// checkCommand checks one command of the statement.
func (a *Alteration) checkCommand(cmd *pgparse.AlterTableCmd) {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		a.checkAddColumn(cmd)
	case pgparse.AlterTableType_AT_ColumnDefault:
		a.checkColumnDefault(cmd)
	case pgparse.AlterTableType_AT_DropColumn:
		a.checkDropColumn(cmd)
	case pgparse.AlterTableType_AT_AlterColumnType:
		a.checkAlterColumnType(cmd)
	case pgparse.AlterTableType_AT_SetNotNull:
		a.checkSetNotNull(cmd.GetName())
	case pgparse.AlterTableType_AT_DropNotNull:
		a.checkDropNotNull(cmd.GetName())
	case pgparse.AlterTableType_AT_SetExpression:
		a.checkSetExpression(cmd.GetName(), cmd.GetDef())
	case pgparse.AlterTableType_AT_DropExpression:
		a.checkDropExpression(cmd)
	case pgparse.AlterTableType_AT_AddIdentity:
		a.checkAddIdentity(cmd.GetName())
	case pgparse.AlterTableType_AT_SetIdentity, pgparse.AlterTableType_AT_DropIdentity:
		a.checkChangeIdentity(cmd)
	case pgparse.AlterTableType_AT_SetStorage, pgparse.AlterTableType_AT_SetCompression:
		a.checkSetStorage(cmd)
	case pgparse.AlterTableType_AT_SetStatistics:
		a.checkSetStatistics(cmd)
	case pgparse.AlterTableType_AT_AddConstraint:
		a.checkAddConstraint(cmd.GetDef().GetConstraint())
	case pgparse.AlterTableType_AT_DropConstraint:
		a.checkDropConstraint(cmd)
	case pgparse.AlterTableType_AT_ValidateConstraint:
		a.checkValidateConstraint(cmd.GetName())
	case pgparse.AlterTableType_AT_AlterConstraint:
		a.checkAlterConstraint(cmd.GetDef().GetAtalterConstraint())
	case pgparse.AlterTableType_AT_SetLogged:
		a.checkSetPersistence(catalog.Permanent)
	case pgparse.AlterTableType_AT_SetUnLogged:
		a.checkSetPersistence(catalog.Unlogged)
	case pgparse.AlterTableType_AT_SetAccessMethod:
		a.checkSetAccessMethod(cmd.GetName())
	case pgparse.AlterTableType_AT_SetTableSpace:
		a.checkSetTablespace(cmd)
	case pgparse.AlterTableType_AT_ChangeOwner:
		a.checkChangeOwner(cmd.GetNewowner())
	case pgparse.AlterTableType_AT_ClusterOn:
		a.checkClusterOn(cmd.GetName())
	case pgparse.AlterTableType_AT_DropCluster:
		if a.Rel.Kind == catalog.PartitionedTable {
			a.refuseIndexMark("SET WITHOUT CLUSTER")
		}
	case pgparse.AlterTableType_AT_ReplicaIdentity:
		if id := cmd.GetDef().GetReplicaIdentityStmt(); id.GetName() != "" {
			a.checkReplicaIdentityIndex(id.GetName())
		}
	case pgparse.AlterTableType_AT_SetRelOptions:
		a.checkStorageParameters(cmd.GetDef().GetList().GetItems())
	case pgparse.AlterTableType_AT_DropOf:
		if a.Rel.OfType == 0 && a.IsFullyKnown(a.Rel) {
			a.RecordRefusal(pgerror.NotTyped, a.Rel.Name.Name)
		}
	case pgparse.AlterTableType_AT_AddOf:
		schema, name := pgparse.SchemaAndName(cmd.GetDef().GetTypeName().GetNames())
		if t := a.C.LookupType(schema, name); t != nil && t.Relation != 0 {
			if rel := a.C.Relation(t.Relation); rel != nil {
				a.checkOfType(rel)
			}
		}
	case pgparse.AlterTableType_AT_AddInherit:
		if parent := a.FindTable(cmd.GetDef().GetRangeVar()); parent != nil {
			a.checkInherit(parent)
		}
	case pgparse.AlterTableType_AT_DropInherit:
		a.FindTable(cmd.GetDef().GetRangeVar())
	case pgparse.AlterTableType_AT_AttachPartition:
		a.checkAttachPartition(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartition:
		a.checkDetachPartition(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartitionFinalize:
		a.checkFinalizeDetach(cmd.GetDef().GetPartitionCmd())
	}
}

// checkCommandKind refuses a command that is not for this kind of relation, or not
// of this version.
func (a *Alteration) checkCommandKind(cmd *pgparse.AlterTableCmd) bool {
	sub := cmd.GetSubtype()
	switch { // the grammar comes before the kind
	case sub == pgparse.AlterTableType_AT_SetCompression && !a.V.AtLeast(14):
		a.RecordRefusal(pgerror.SyntaxAt, "COMPRESSION")
		return false
	case sub == pgparse.AlterTableType_AT_SetAccessMethod && !a.V.AtLeast(15):
		a.RecordRefusal(pgerror.SyntaxAt, "ACCESS")
		return false
	}
	ok := catalog.CommandOf(sub).FitsKind(a.Rel.Kind)
	switch a.Rel.Kind {
	case catalog.Sequence:
		ok = ok && (sub == pgparse.AlterTableType_AT_ChangeOwner || a.V.AtLeast(15))
	case catalog.Table:
		moves := sub == pgparse.AlterTableType_AT_AttachPartition || sub == pgparse.AlterTableType_AT_DetachPartition
		ok = ok && !(moves && a.V.AtLeast(18))
	case catalog.PartitionedTable:
		ok = ok && (sub != pgparse.AlterTableType_AT_SetLogged && sub != pgparse.AlterTableType_AT_SetUnLogged || !a.V.AtLeast(18))
	}
	if a.Rel.Inferred {
		return true // its kind is a guess
	}
	if !ok {
		a.RecordRefusal(pgerror.ActionUnsuited, catalog.ActionWord(sub), a.Rel.Name.Name)
		return false
	}
	return true
}
