package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// onOtherKinds lists the subcommands of ALTER TABLE that apply to relations
// which are no tables; on tables nearly all do (ATSimplePermissions).
var onOtherKinds = map[catalog.Kind][]pgparse.AlterTableType{
	catalog.View: {
		pgparse.AlterTableType_AT_ColumnDefault, pgparse.AlterTableType_AT_SetRelOptions,
		pgparse.AlterTableType_AT_ResetRelOptions, pgparse.AlterTableType_AT_ReplaceRelOptions,
	},
	catalog.MaterializedView: {
		pgparse.AlterTableType_AT_SetStatistics, pgparse.AlterTableType_AT_SetOptions, pgparse.AlterTableType_AT_ResetOptions,
		pgparse.AlterTableType_AT_SetStorage, pgparse.AlterTableType_AT_SetCompression, pgparse.AlterTableType_AT_ClusterOn,
		pgparse.AlterTableType_AT_DropCluster, pgparse.AlterTableType_AT_SetAccessMethod, pgparse.AlterTableType_AT_SetTableSpace,
		pgparse.AlterTableType_AT_SetRelOptions, pgparse.AlterTableType_AT_ResetRelOptions, pgparse.AlterTableType_AT_ReplicaIdentity,
	},
	catalog.Index: {
		pgparse.AlterTableType_AT_SetStatistics, pgparse.AlterTableType_AT_SetTableSpace, pgparse.AlterTableType_AT_SetRelOptions,
		pgparse.AlterTableType_AT_ResetRelOptions,
	},
	catalog.PartitionedIndex: {
		pgparse.AlterTableType_AT_SetStatistics, pgparse.AlterTableType_AT_SetTableSpace, pgparse.AlterTableType_AT_AttachPartition,
	},
	catalog.CompositeType: {
		pgparse.AlterTableType_AT_AddColumn, pgparse.AlterTableType_AT_DropColumn, pgparse.AlterTableType_AT_AlterColumnType,
	},
}

// permitted refuses a subcommand that is not for this kind of relation, or not
// of this version.
func (a *alter) permitted(cmd *pgparse.AlterTableCmd) bool {
	sub := cmd.GetSubtype()
	ok := true
	switch kind := a.rel.Kind; kind {
	case catalog.View, catalog.MaterializedView, catalog.Index, catalog.PartitionedIndex, catalog.CompositeType:
		ok = sub == pgparse.AlterTableType_AT_ChangeOwner || contains(onOtherKinds[kind], sub)
	case catalog.Sequence:
		ok = sub == pgparse.AlterTableType_AT_ChangeOwner ||
			(sub == pgparse.AlterTableType_AT_SetLogged || sub == pgparse.AlterTableType_AT_SetUnLogged) && a.V.AtLeast(15)
	case catalog.PartitionedTable:
		ok = sub != pgparse.AlterTableType_AT_SetLogged && sub != pgparse.AlterTableType_AT_SetUnLogged || !a.V.AtLeast(18)
	}
	if a.rel.Inferred {
		return true // its kind is a guess
	}
	if !ok {
		a.Refuse(refuse.ActionUnsuited, catalog.ActionWord(sub), a.rel.Name.Name)
		return false
	}
	if sub == pgparse.AlterTableType_AT_SetCompression && !a.V.AtLeast(14) {
		a.Refuse(refuse.SyntaxAt, "COMPRESSION")
		return false
	}
	return true
}
