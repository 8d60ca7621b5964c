package view

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A finding is left out of the short report only if a verdict says the same of the same thing.
func TestIsBreakKnown(t *testing.T) {
	t.Parallel()
	const fact = "column nick of public.users is dropped while the deployed code still uses it"
	place := onward.VerdictPlace{Path: "m/2.sql", Line: 3}
	verdict := onward.Verdict{Code: onward.OldCode, After: place, Severity: onward.Error, Message: `column "nick" does not exist`}
	laterVerdict := onward.Verdict{Code: onward.NewCode, After: place, Severity: onward.Error, Message: verdict.Message, Until: &place}
	finding := onward.Finding{Category: onward.Compatibility, Severity: onward.Error, Path: "m/2.sql", Line: 3, Fact: fact}
	change := func(f func(*onward.Finding)) onward.Finding { other := finding; f(&other); return other }
	message := func(text string) onward.Verdict { other := verdict; other.Message = text; return other }
	for name, c := range map[string]struct {
		verdict onward.Verdict
		finding onward.Finding
		known   bool
	}{
		"the same":                      {verdict, finding, true},
		"the relation":                  {message(`relation "users" does not exist`), finding, true},
		"with an alias":                 {message(`column "u.nick" does not exist`), finding, true},
		"another column":                {message(`column "mail" does not exist`), finding, false},
		"a part of the name":            {message(`column "ick" does not exist`), finding, false},
		"no name":                       {message("operator does not exist: text = integer"), finding, false},
		"another line":                  {verdict, change(func(f *onward.Finding) { f.Line = 4 }), false},
		"another file":                  {verdict, change(func(f *onward.Finding) { f.Path = "m/3.sql" }), false},
		"about locks":                   {verdict, change(func(f *onward.Finding) { f.Category = onward.Locking }), false},
		"a query that needs it later":   {laterVerdict, finding, false},
		"a warning beside a sure break": {verdict, change(func(f *onward.Finding) { f.Severity = onward.Warning }), true},
	} {
		if got := IsBreakKnown(&onward.Report{Verdicts: []onward.Verdict{c.verdict}}, &c.finding); got != c.known {
			t.Errorf("%s: known %v, want %v", name, got, c.known)
		}
	}
}
