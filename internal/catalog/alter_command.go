package catalog

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Command holds the server's facts (tablecmds.c) about one command of ALTER TABLE, whatever its
// arguments: for ADD COLUMN its pass, and that it also works on composite types. https://www.postgresql.org/docs/current/sql-altertable.html
type Command struct {
	// Words are the server's words for it, if they are not the parser's name: "SET TABLESPACE".
	Words string
	// Pass is the round of ALTER TABLE in which it is carried out (ATPrepCmd).
	Pass Pass
	// Lock is the table's lock (AlterTableGetLockLevel); NoLock: ACCESS EXCLUSIVE, or the
	// arguments decide.
	Lock onward.Lock
	// Also are the kinds of relations, other than tables, that it works on (ATSimplePermissions).
	Also Kinds
	// ForeignOnly: it does not work on tables.
	ForeignOnly bool
	// Recurses: the preparation does the same to partitions and children (ATSimpleRecursion).
	Recurses bool
}

// Pass is a round of ALTER TABLE: the server drops first, changes types, adds columns, and so
// on, whatever the order in the text.
type Pass int8

// The passes, in their order. A command without a pass is of the last one.
const (
	passDrop Pass = iota + 1
	passType
	passAddColumn
	passExpression
	passNotNull
	passKey // constraints with an index
	passConstraint
	passMisc
)

// Kinds is a set of kinds of relations.
type Kinds uint16

func kindsOf(kinds ...Kind) (set Kinds) {
	for _, k := range kinds {
		set |= 1 << k
	}
	return set
}

// Has reports whether a kind is in the set.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

var commands = map[pgparse.AlterTableType]Command{
	pgparse.AlterTableType_AT_AddColumn:  {Pass: passAddColumn, Also: kindsOf(ForeignTable, CompositeType)},
	pgparse.AlterTableType_AT_DropColumn: {Pass: passDrop, Also: kindsOf(ForeignTable, CompositeType)},
	pgparse.AlterTableType_AT_AlterColumnType: {
		Words: "ALTER COLUMN ... SET DATA TYPE", Pass: passType,
		Also: kindsOf(ForeignTable, CompositeType),
	},
	pgparse.AlterTableType_AT_ColumnDefault: {
		Words: "ALTER COLUMN ... SET DEFAULT", Pass: passConstraint,
		Also: kindsOf(ForeignTable, View), Recurses: true,
	},
	pgparse.AlterTableType_AT_SetNotNull:  {Words: "ALTER COLUMN ... SET NOT NULL", Pass: passNotNull, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DropNotNull: {Words: "ALTER COLUMN ... DROP NOT NULL", Pass: passDrop, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_SetExpression: {
		Words: "ALTER COLUMN ... SET EXPRESSION", Pass: passExpression,
		Also: kindsOf(ForeignTable), Recurses: true,
	},
	pgparse.AlterTableType_AT_DropExpression: {
		Words: "ALTER COLUMN ... DROP EXPRESSION", Pass: passDrop,
		Also: kindsOf(ForeignTable), Recurses: true,
	},
	pgparse.AlterTableType_AT_AddIdentity:  {Words: "ALTER COLUMN ... ADD IDENTITY", Pass: passConstraint, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_SetIdentity:  {Words: "ALTER COLUMN ... SET", Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DropIdentity: {Words: "ALTER COLUMN ... DROP IDENTITY", Pass: passDrop, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_SetStatistics: {
		Words: "ALTER COLUMN ... SET STATISTICS", Lock: onward.ShareUpdateExclusiveLock,
		Also: kindsOf(ForeignTable, MaterializedView, Index, PartitionedIndex), Recurses: true,
	},
	pgparse.AlterTableType_AT_SetOptions: {
		Words: "ALTER COLUMN ... SET", Lock: onward.ShareUpdateExclusiveLock,
		Also: kindsOf(ForeignTable, MaterializedView),
	},
	pgparse.AlterTableType_AT_ResetOptions: {
		Words: "ALTER COLUMN ... RESET", Lock: onward.ShareUpdateExclusiveLock,
		Also: kindsOf(ForeignTable, MaterializedView),
	},
	pgparse.AlterTableType_AT_SetStorage: {
		Words: "ALTER COLUMN ... SET STORAGE",
		Also:  kindsOf(ForeignTable, MaterializedView), Recurses: true,
	},
	pgparse.AlterTableType_AT_SetCompression:            {Words: "ALTER COLUMN ... SET COMPRESSION", Also: kindsOf(MaterializedView)},
	pgparse.AlterTableType_AT_AlterColumnGenericOptions: {Words: "ALTER COLUMN ... OPTIONS", Also: kindsOf(ForeignTable), ForeignOnly: true},
	pgparse.AlterTableType_AT_GenericOptions:            {Words: "OPTIONS", Also: kindsOf(ForeignTable), ForeignOnly: true},
	pgparse.AlterTableType_AT_DropOids:                  {Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_AddConstraint:             {Pass: passConstraint, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DropConstraint:            {Pass: passDrop, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_ValidateConstraint:        {Lock: onward.ShareUpdateExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_AttachPartition:           {Lock: onward.ShareUpdateExclusiveLock, Also: kindsOf(PartitionedIndex)},
	pgparse.AlterTableType_AT_DetachPartitionFinalize:   {Words: "DETACH PARTITION ... FINALIZE", Lock: onward.ShareUpdateExclusiveLock},
	pgparse.AlterTableType_AT_AddInherit:                {Words: "INHERIT", Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DropInherit:               {Words: "NO INHERIT", Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_AddOf:                     {Words: "OF"},
	pgparse.AlterTableType_AT_DropOf:                    {Words: "NOT OF"},
	pgparse.AlterTableType_AT_ChangeOwner:               {Also: kindsOf(ForeignTable, View, MaterializedView, Index, PartitionedIndex, Sequence, CompositeType)},
	pgparse.AlterTableType_AT_SetLogged:                 {Also: kindsOf(Sequence)},
	pgparse.AlterTableType_AT_SetUnLogged:               {Words: "SET UNLOGGED", Also: kindsOf(Sequence)},
	pgparse.AlterTableType_AT_SetAccessMethod:           {Also: kindsOf(MaterializedView)},
	pgparse.AlterTableType_AT_SetTableSpace:             {Words: "SET TABLESPACE", Also: kindsOf(MaterializedView, Index, PartitionedIndex)},
	pgparse.AlterTableType_AT_SetRelOptions:             {Words: "SET", Also: kindsOf(View, MaterializedView, Index)},
	pgparse.AlterTableType_AT_ResetRelOptions:           {Words: "RESET", Also: kindsOf(View, MaterializedView, Index)},
	pgparse.AlterTableType_AT_ReplaceRelOptions:         {Also: kindsOf(View)},
	pgparse.AlterTableType_AT_ReplicaIdentity:           {Also: kindsOf(MaterializedView)},
	pgparse.AlterTableType_AT_ClusterOn:                 {Lock: onward.ShareUpdateExclusiveLock, Also: kindsOf(MaterializedView)},
	pgparse.AlterTableType_AT_DropCluster: {
		Words: "SET WITHOUT CLUSTER", Lock: onward.ShareUpdateExclusiveLock,
		Also: kindsOf(MaterializedView),
	},
	pgparse.AlterTableType_AT_EnableTrig:       {Words: "ENABLE TRIGGER", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_EnableAlwaysTrig: {Words: "ENABLE ALWAYS TRIGGER", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_EnableReplicaTrig: {
		Words: "ENABLE REPLICA TRIGGER", Lock: onward.ShareRowExclusiveLock,
		Also: kindsOf(ForeignTable),
	},
	pgparse.AlterTableType_AT_EnableTrigAll:   {Words: "ENABLE TRIGGER ALL", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_EnableTrigUser:  {Words: "ENABLE TRIGGER USER", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DisableTrig:     {Words: "DISABLE TRIGGER", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DisableTrigAll:  {Words: "DISABLE TRIGGER ALL", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
	pgparse.AlterTableType_AT_DisableTrigUser: {Words: "DISABLE TRIGGER USER", Lock: onward.ShareRowExclusiveLock, Also: kindsOf(ForeignTable)},
}

// CommandOf returns what is known of a command of ALTER TABLE.
func CommandOf(cmd pgparse.AlterTableType) Command { return commands[cmd] }

// FitsKind reports whether a command works on a kind of relation, as far as its version does not matter.
func (c Command) FitsKind(kind Kind) bool {
	return c.Also.Has(kind) || kind.IsTable() && !c.ForeignOnly
}

// OrderCommands returns the commands of an ALTER TABLE in the order of execution.
func OrderCommands(s *pgparse.AlterTableStmt) []*pgparse.AlterTableCmd {
	cmds := make([]*pgparse.AlterTableCmd, 0, len(s.GetCmds()))
	for _, n := range s.GetCmds() {
		cmds = append(cmds, n.GetAlterTableCmd())
	}
	if len(cmds) > 1 {
		slices.SortStableFunc(cmds, func(x, y *pgparse.AlterTableCmd) int { return cmp.Compare(passOfCommand(x), passOfCommand(y)) })
	}
	return cmds
}

// passOfCommand is the pass of a command, of which some depend on its arguments.
func passOfCommand(cmd *pgparse.AlterTableCmd) Pass {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_ColumnDefault:
		if cmd.GetDef() == nil {
			return passDrop
		}
	case pgparse.AlterTableType_AT_AddConstraint:
		switch cmd.GetDef().GetConstraint().GetContype() {
		case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
			return passKey
		case pgparse.ConstrType_CONSTR_NOTNULL:
			return passNotNull
		}
	}
	return cmp.Or(commands[cmd.GetSubtype()].Pass, passMisc)
}

// IsDropPass reports whether the server carries out a command in its first pass: it drops a
// column, a constraint or a property of a column.
func IsDropPass(cmd *pgparse.AlterTableCmd) bool { return passOfCommand(cmd) == passDrop }

// ActionWord is a command of ALTER TABLE in the server's words: "ADD COLUMN".
func ActionWord(cmd pgparse.AlterTableType) string {
	if s := commands[cmd].Words; s != "" {
		return s
	}
	var b strings.Builder
	for i, r := range strings.TrimPrefix(cmd.String(), "AT_") {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
