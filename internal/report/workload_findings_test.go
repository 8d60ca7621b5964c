package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// Accepted findings about queries are counted, and not printed; the JSON has them with their mark.
func TestAcceptedFindings(t *testing.T) {
	t.Parallel()
	open := onward.QueryFinding{Rule: "query-chain", Severity: onward.Warning, SQL: "SELECT 1", Fact: "open", Harm: "slow", Instead: "join", Count: 1}
	accepted := open
	accepted.Fact, accepted.Accepted = "accepted fact", true
	for name, c := range map[string]struct {
		list []onward.QueryFinding
		want string
	}{
		"none":     {nil, "Nothing found."},
		"one":      {[]onward.QueryFinding{accepted}, "Nothing found (1 finding accepted in onward.yaml)."},
		"and open": {[]onward.QueryFinding{open, accepted, accepted}, "Instead: join. 2 findings accepted in onward.yaml"},
	} {
		var b, data bytes.Buffer
		if err := report.WriteQueryFindings(&b, c.list, report.FormatTerminal, report.Options{}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		if !strings.HasSuffix(text, c.want) || strings.Contains(text, "accepted fact") {
			t.Errorf("%s: the report is %q, want %q at its end and no accepted fact", name, text, c.want)
		}
		if err := report.WriteQueryFindings(&data, c.list, report.FormatJSON, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Count(data.String(), `"accepted": true`), strings.Count(data.String(), "accepted fact"); got != want {
			t.Errorf("%s: %d accepted findings have their mark, want %d, in %s", name, got, want, data.String())
		}
	}
}
