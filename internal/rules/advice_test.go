package rules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/blocking"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

// TestPrintedAdviceRuns puts the SQL of a finding's advice before the statement, in its
// place, or after it. In one of these places the server must accept it.
func TestPrintedAdviceRuns(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		if changesOtherStatement[r.ID] {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			f, err := ruletest.Read(r.ID)
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Releases {
				rel := &f.Releases[i]
				if !rel.IsBad() || len(rel.Files) != 1 {
					continue
				}
				findings, err := f.Run([]*rule.Rule{r}, rel)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range findings {
					if x.Rule == r.ID {
						printedAdviceRuns(t, f, rel, &x)
					}
				}
			}
		})
	}
}

// An index that is built before the transaction cannot have the name that the transaction
// gives free.
func TestBuiltUnderAFreeName(t *testing.T) {
	t.Parallel()
	f, err := ruletest.Read(blocking.ConstraintPrimaryKeyBlocking.ID)
	if err != nil {
		t.Fatal(err)
	}
	index := slices.IndexFunc(f.Releases, func(r ruletest.Release) bool { return r.Name == "bad-dropped-before" })
	findings, err := f.Run([]*rule.Rule{blocking.ConstraintPrimaryKeyBlocking}, &f.Releases[index])
	if err != nil || len(findings) != 1 {
		t.Fatalf("judge bad-dropped-before: error %v, findings %+v, want one finding", err, findings)
	}
	for _, want := range []string{"CREATE UNIQUE INDEX CONCURRENTLY t_pkey_new ON t (id, code);", "ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey_new;"} {
		if got := findings[0].Instead; !strings.Contains(got, want) {
			t.Errorf("no %s in:\n%s", want, got)
		}
	}
}

// changesOtherStatement has the rules whose advice changes or moves a statement other than the one found.
var changesOtherStatement = map[string]bool{
	"constraint-not-enforced":             true, // NOT VALID in the place of NOT ENFORCED
	"transaction-concurrently-in-block":   true, // moves it
	"type-enum-value-used-in-transaction": true, // moves the one that adds the value
}

// verb begins a line of SQL in an advice.
var verb = regexp.MustCompile(`^(ALTER|ANALYZE|CALL|CREATE|DELETE|DROP|GRANT|INSERT|LOCK|REFRESH|REINDEX|RESET|REVOKE|SELECT|SET|TRUNCATE|UPDATE|VACUUM) `)

func printedAdviceRuns(t *testing.T, f *ruletest.Fixture, rel *ruletest.Release, x *onward.Finding) {
	t.Helper()
	var sql []string
	for _, line := range strings.Split(x.Instead, "\n")[1:] {
		if !verb.MatchString(line) && !strings.HasPrefix(line, "--") {
			break // another way
		}
		sql = append(sql, line)
	}
	advice := strings.Join(sql, "\n") + "\n"
	if len(sql) == 0 || strings.Contains(advice, "…") {
		return
	}
	lines := strings.SplitAfter(ruletest.CleanExample(rel.Files[0].SQL), "\n")
	before, rest := strings.Join(lines[:x.Line-1], ""), strings.Join(lines[x.EndLine:], "")
	statement := strings.Join(lines[x.Line-1:x.EndLine], "")
	if strings.Contains(statement, "ADD COLUMN") && strings.Contains(statement, ", ADD ") {
		return // the advice is about one of several commands
	}
	first := ""
	for _, sql := range []string{before + advice, before + advice + statement, before + statement + advice, before + statement + rest + advice} {
		tried := *rel
		tried.Files = []ruletest.File{{Name: rel.Files[0].Name, SQL: sql}}
		tried.Transaction = onward.TransactionNone
		findings, err := f.RunOn([]*rule.Rule{release.StatementFails, release.StatementRefused}, &tried, f.Versions)
		if err != nil {
			continue // it is in the middle of a DO block
		}
		var fails []string
		for _, y := range findings {
			if y.Severity == onward.Error {
				fails = append(fails, y.Fact)
			}
		}
		if len(fails) == 0 {
			return
		}
		if first == "" {
			first = strings.Join(fails, "; ")
		}
	}
	if first == "" {
		return
	}
	t.Errorf("%s:%d: the printed advice fails: %s\nthe advice:\n%s", rel.Name, x.Line, first, x.Instead)
}
