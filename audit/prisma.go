package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/usage"
)

// findPrismaLists finds the lists in a Prisma schema that have a join table which no code names:
// _PostToTag for a list of Tag in Post and one of Post in Tag.
func (u *deployedCode) findPrismaLists(table string) []usage.Use {
	if !strings.HasPrefix(table, "_") {
		return nil
	}
	if u.lists == nil {
		models := all.PrismaModels(gittree.Of(u.base))
		u.lists = &models
	}
	var out []usage.Use
	for _, m := range *u.lists {
		if m.Table == table {
			out = append(out, usage.Use{Path: m.Path, Line: m.Line, How: usage.Maps, Grade: usage.Parsed})
		}
	}
	return out
}
