package transaction

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// SetLocalOutside flags SET LOCAL outside a transaction.
// https://www.postgresql.org/docs/current/sql-set.html
var SetLocalOutside = &rule.Rule{
	ID:       "transaction-set-local-outside",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	Summary:  "SET LOCAL is outside a transaction, and does nothing",
	Harm: "SET LOCAL holds until the transaction ends. Sent by itself it is a transaction of its own, so the setting is gone before the next statement; " +
		"the server answers with a warning that nobody reads.",
	Instead:   "Use SET and RESET, or open a transaction around both.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-set.html"},
	Kinds:     rule.Data | rule.Another,
	Statement: checkSetLocalOutside,
}

func checkSetLocalOutside(p *rule.Pass, s *rule.Stmt) {
	if s.Origin != script.Alone || s.Parent >= 0 {
		return
	}
	set, ok := analysis.SettingOf(s.Node)
	if !ok || !set.Local {
		return
	}
	harm := "later statements run without the setting"
	if set.Name == "lock_timeout" || set.Name == "statement_timeout" {
		harm = "later statements run without the timeout"
	}
	report := rule.Report{
		Fact:    "SET LOCAL " + set.Name + " is outside a transaction, and does nothing",
		Harm:    harm,
		Instead: "set it for the session, and reset it at the end:\nSET " + set.Name + " = '" + set.Value + "';",
	}
	if words := strings.Fields(s.SQL); len(words) > 1 && strings.EqualFold(words[0], "SET") && strings.EqualFold(words[1], "LOCAL") {
		start := strings.Index(strings.ToUpper(s.SQL), "LOCAL")
		end := start + len("LOCAL")
		for end < len(s.SQL) && s.SQL[end] == ' ' {
			end++
		}
		report.Fix = []onward.Edit{{Start: start, End: end}}
	}
	p.Report(s, report)
}
