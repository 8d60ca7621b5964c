package transaction

import (
	"strconv"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TimeoutUnit flags timeouts of a few milliseconds, which were meant to be
// seconds. https://www.postgresql.org/docs/current/config-setting.html
var TimeoutUnit = &rule.Rule{
	ID:       "transaction-timeout-unit",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	Summary:  "a timeout without a unit counts milliseconds: this one is next to nothing",
	Harm: "A bare number is milliseconds. lock_timeout = 5 gives up at the first lock that is not free at once, " +
		"statement_timeout = 30 after 30 ms of work: the migration fails on a busy database, and passes wherever it was tried before.",
	Instead:   "Write the unit: '5s'.",
	Manual:    []string{"https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES"},
	Kinds:     rule.Data | rule.Another,
	Statement: checkTimeoutUnit,
}

// shortest is what nobody means: a timeout of less, in milliseconds.
const shortest = 100

func checkTimeoutUnit(p *rule.Pass, s *rule.Stmt) {
	set, ok := analysis.SettingOf(s.Node)
	if !ok || set.Default {
		return
	}
	switch set.Name {
	case "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout":
	default:
		return
	}
	n, err := strconv.Atoi(set.Value)
	if err != nil || n <= 0 || n >= shortest {
		return
	}
	word, instead := "SET ", strconv.Itoa(n)+"s"
	if set.Local {
		word = "SET LOCAL "
	}
	p.Report(s, rule.Report{
		Fact:    set.Name + " = " + set.Value + " is " + set.Value + " milliseconds",
		Harm:    "what follows is cancelled unless it is done at once: it passes on an idle database and fails on a busy one",
		Instead: "write the unit:\n" + word + set.Name + " = '" + instead + "';",
	})
}
