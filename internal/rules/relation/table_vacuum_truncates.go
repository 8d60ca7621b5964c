package relation

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableVacuumTruncates mentions a VACUUM that may give pages back to the system.
// https://www.postgresql.org/docs/current/sql-vacuum.html
var TableVacuumTruncates = &rule.Rule{
	ID:       "table-vacuum-truncates",
	Category: onward.Locking,
	Severity: onward.Info,
	Summary:  "VACUUM locks the table against reads and writes at its end, to give empty pages back",
	Harm: "Where the last pages of the table are empty, VACUUM cuts them off under ACCESS EXCLUSIVE. " +
		"On the server itself it gives up as soon as another session waits. A hot standby replays the lock and does not know of that: " +
		"its queries on the table wait, or are cancelled.",
	Instead: "Say TRUNCATE false: the pages are used for new rows.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-vacuum.html",
		"https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT",
	},
	Kinds:     rule.Another,
	Statement: checkVacuumTruncates,
}

func checkVacuumTruncates(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetVacuumStmt()
	if !stmt.GetIsVacuumcmd() || s.Result.Refused != nil || !pgparse.BoolOption(stmt.GetOptions(), "truncate", true) ||
		pgparse.BoolOption(stmt.GetOptions(), "full", false) {
		return
	}
	i := slices.IndexFunc(s.Result.Effects, func(e effect.Effect) bool {
		if !e.Kind.IsTable() || !p.IsExisting(&e) || p.IsSmall(e.Name) {
			return false
		}
		t := s.Before.Relation(e.OID)
		return t == nil || t.Options["vacuum_truncate"] != "false" && t.Options["vacuum_truncate"] != "off"
	})
	if i < 0 {
		return
	}
	name, table := s.Result.Effects[i].Name, ""
	if len(stmt.GetRels()) > 0 {
		table = " " + analysis.QuoteTable(name)
	}
	p.Report(s, rule.Report{
		Fact:    "VACUUM may end with a lock on " + name.String() + " against reads and writes, to cut empty pages off",
		Harm:    "it gives way to those who wait on this server; on a hot standby queries on " + name.String() + " wait, or are cancelled",
		Instead: "leave the pages to new rows:\nVACUUM (TRUNCATE false)" + table + ";",
	})
}
