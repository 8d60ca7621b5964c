package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// The use of deprecated columns, and the findings about queries, are in each format for
// people: the worst three findings, how many more there are, and no unescaped text.
func TestAsks(t *testing.T) {
	t.Parallel()
	ask := func(fact string) onward.QueryFinding {
		return onward.QueryFinding{
			Rule:     "query-chain",
			Severity: onward.Warning,
			Queries:  []string{"1"},
			SQL:      "SELECT <b>\x1b[31m",
			Sender:   "a <i>page",
			Count:    1,
			Most:     9,
			Fact:     fact,
			Harm:     "slow",
			Instead:  "join",
		}
	}
	r := &onward.Report{Base: "main", Head: "head", Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql"}}, Verification: &onward.Verification{
		Version: "17.5", Points: []onward.VerifiedPoint{{}}, Old: &onward.Verified{Queries: 3}, Works: true, Order: "Any.",
		Asks: []onward.QueryFinding{ask("first"), ask("second"), ask("third"), ask("fourth"), ask("fifth")},
		Deprecated: []onward.DeprecatedColumn{
			{Column: "public.users.nick", RemoveAfter: "2027-02-01", TableCalls: 36971},
			{Column: "shop.users.age", RemoveAfter: "2020-02-01", Past: true, TableCalls: 9, Queries: 2, Calls: 7, SQL: "SELECT age", Sender: "profile"},
			{Column: "public.orders.memo"},
		},
	}}
	for _, f := range []report.Format{report.FormatTerminal, report.FormatMarkdown, report.FormatHTML} {
		var b bytes.Buffer
		if err := report.Write(&b, f, r, report.Options{}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		for _, want := range []string{
			"first", "third", "2 more: onward workload check FILE", "users.nick, until 2027-02-01", "nobody used it in 36,971 recorded calls on its table",
			"shop.users.age, past its last day 2020-02-01", "used by 2 recorded queries in 7 recorded calls, most of them from profile", "which proves nothing",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", f, want)
			}
		}
		if strings.Contains(text, "fourth") || strings.Contains(text, "\x1b") || f == report.FormatHTML && strings.Contains(text, "<i>page") {
			t.Errorf("%s shows what it must not", f)
		}
	}
}
