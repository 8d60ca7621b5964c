package blocking

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestOfColumn holds that a domain's checks are given for the column that has
// its type, without the word VALUE.
func TestOfColumn(t *testing.T) {
	t.Parallel()
	check := func(texts ...string) *catalog.UserType {
		u := &catalog.UserType{}
		for _, x := range texts {
			u.Checks = append(u.Checks, &catalog.Constraint{ExprText: x})
		}
		return u
	}
	required := check("VALUE > 0")
	required.NotNull = true
	for want, domain := range map[string]*catalog.UserType{
		`n > 0`:                        check("VALUE > 0"),
		`n <> 'value' AND my_value(n)`: check("value <> 'value' AND my_value(VALUE)"),
		`(n > 0) AND (n < 10)`:         check("VALUE > 0", "VALUE < 10"),
		`n > 0 AND n IS NOT NULL`:      required,
		`…`:                            check(),
	} {
		if got := formatDomainChecks(domain, "n"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
