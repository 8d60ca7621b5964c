package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
)

// findPrismaLists finds the lists in a Prisma schema that have a join table which no code names:
// _PostToTag for a list of Tag in Post and one of Post in Tag.
func (u *Code) findPrismaLists(table string) []index.Use {
	if !strings.HasPrefix(table, "_") {
		return nil
	}
	if u.lists == nil {
		models := all.PrismaModels(gittree.Of(u.base))
		u.lists = &models
	}
	var out []index.Use
	for _, m := range *u.lists {
		if m.Table == table {
			out = append(out, index.Use{Path: m.Path, Line: m.Line, How: facts.Maps, Grade: facts.Parsed})
		}
	}
	return out
}
