package plan

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// groupLeft groups the changes that a plan leaves: each is run alone, but the statements of one chain that begins with a temporary
// table need its transaction, and code that follows code of its migration can be in one file with it.
func groupLeft(list []onward.PlanLeft) (out [][]onward.PlanLeft) {
	for i := 0; i < len(list); {
		end := i + 1
		for list[i].SQL == "" && end < len(list) && list[end].SQL == "" && list[end].Migration == list[i].Migration {
			end++ // code of one migration
		}
		if makesTemporary(list[i].SQL) {
			for end < len(list) && list[end].Chain == list[i].Chain && list[end].Migration == list[i].Migration && list[end].SQL != "" &&
				list[end].Transaction != onward.TransactionNone {
				end++
			}
		}
		out = append(out, list[i:end])
		i = end
	}
	return out
}

// makesTemporary reports whether a text is a statement that creates a temporary table.
func makesTemporary(sql string) bool {
	f, err := pgparse.SplitText(sql)
	return err == nil && slices.ContainsFunc(f.Stmts, func(s pgparse.Stmt) bool { return s.Node != nil && createsTemporary(s.Node) })
}

// leftSQL returns the statements of a group, each with its semicolon.
func leftSQL(group []onward.PlanLeft) string {
	var b strings.Builder
	for i := range group {
		b.WriteString(group[i].SQL + ";\n")
	}
	return b.String()
}
