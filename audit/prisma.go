package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/internal/gitrange"
)

// joined finds the lists of a schema of Prisma's for which a table exists that no
// code names: _PostToTag for a list of Tag in Post and one of Post in Tag.
func joined(t gitrange.Tree, table string) []gitrange.Hit {
	if !strings.HasPrefix(table, "_") {
		return nil
	}
	var out []gitrange.Hit
	for _, m := range sql.PrismaModels(gittree.Of(t), "") {
		if m.Table == table {
			out = append(out, gitrange.Hit{Word: table, Path: m.Path, Line: m.Line, Text: m.Name})
		}
	}
	return out
}
