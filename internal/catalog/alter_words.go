package catalog

import (
	"strings"
	"unicode"

	"github.com/onward-sql/onward/internal/pgparse"
)

// actionWords are the commands whose words are not the parser's name for them.
var actionWords = map[pgparse.AlterTableType]string{
	pgparse.AlterTableType_AT_ColumnDefault:             "ALTER COLUMN ... SET DEFAULT",
	pgparse.AlterTableType_AT_DropNotNull:               "ALTER COLUMN ... DROP NOT NULL",
	pgparse.AlterTableType_AT_SetNotNull:                "ALTER COLUMN ... SET NOT NULL",
	pgparse.AlterTableType_AT_SetExpression:             "ALTER COLUMN ... SET EXPRESSION",
	pgparse.AlterTableType_AT_DropExpression:            "ALTER COLUMN ... DROP EXPRESSION",
	pgparse.AlterTableType_AT_SetStatistics:             "ALTER COLUMN ... SET STATISTICS",
	pgparse.AlterTableType_AT_SetOptions:                "ALTER COLUMN ... SET",
	pgparse.AlterTableType_AT_ResetOptions:              "ALTER COLUMN ... RESET",
	pgparse.AlterTableType_AT_SetStorage:                "ALTER COLUMN ... SET STORAGE",
	pgparse.AlterTableType_AT_SetCompression:            "ALTER COLUMN ... SET COMPRESSION",
	pgparse.AlterTableType_AT_AlterColumnType:           "ALTER COLUMN ... SET DATA TYPE",
	pgparse.AlterTableType_AT_AlterColumnGenericOptions: "ALTER COLUMN ... OPTIONS",
	pgparse.AlterTableType_AT_AddIdentity:               "ALTER COLUMN ... ADD IDENTITY",
	pgparse.AlterTableType_AT_SetIdentity:               "ALTER COLUMN ... SET",
	pgparse.AlterTableType_AT_DropIdentity:              "ALTER COLUMN ... DROP IDENTITY",
	pgparse.AlterTableType_AT_DropCluster:               "SET WITHOUT CLUSTER",
	pgparse.AlterTableType_AT_SetUnLogged:               "SET UNLOGGED",
	pgparse.AlterTableType_AT_SetTableSpace:             "SET TABLESPACE",
	pgparse.AlterTableType_AT_SetRelOptions:             "SET",
	pgparse.AlterTableType_AT_ResetRelOptions:           "RESET",
	pgparse.AlterTableType_AT_AddInherit:                "INHERIT",
	pgparse.AlterTableType_AT_DropInherit:               "NO INHERIT",
	pgparse.AlterTableType_AT_AddOf:                     "OF",
	pgparse.AlterTableType_AT_DropOf:                    "NOT OF",
	pgparse.AlterTableType_AT_EnableTrig:                "ENABLE TRIGGER",
	pgparse.AlterTableType_AT_EnableAlwaysTrig:          "ENABLE ALWAYS TRIGGER",
	pgparse.AlterTableType_AT_EnableReplicaTrig:         "ENABLE REPLICA TRIGGER",
	pgparse.AlterTableType_AT_EnableTrigAll:             "ENABLE TRIGGER ALL",
	pgparse.AlterTableType_AT_EnableTrigUser:            "ENABLE TRIGGER USER",
	pgparse.AlterTableType_AT_DisableTrig:               "DISABLE TRIGGER",
	pgparse.AlterTableType_AT_DisableTrigAll:            "DISABLE TRIGGER ALL",
	pgparse.AlterTableType_AT_DisableTrigUser:           "DISABLE TRIGGER USER",
	pgparse.AlterTableType_AT_DetachPartitionFinalize:   "DETACH PARTITION ... FINALIZE",
}

// ActionWord is a command of ALTER TABLE in the server's words: "ADD COLUMN".
func ActionWord(cmd pgparse.AlterTableType) string {
	if s, ok := actionWords[cmd]; ok {
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
