package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeRewrite flags a change of a column's type that writes the table anew.
// Which changes do not (varchar to text, a longer varchar, …) is measured, see
// the effects. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var TypeRewrite = &rule.Rule{
	ID:        "column-type-rewrite",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "a change of a column's type that converts or checks the values rewrites the table while nobody can read it",
	Harm:      "Unless the old and the new type are stored alike, each value is converted: the table and all its indexes are written anew under ACCESS EXCLUSIVE. Every query waits.",
	Instead:   "Add a column of the new type, keep both in step with a trigger, copy the old rows in batches, and switch the code over before the old column goes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Statement: typeRewrite,
}

func typeRewrite(p *rule.Pass, s *rule.Stmt) {
	for _, r := range retypings(p, s) {
		e := p.Blocked(&r.Result, rule.Rewrites)
		if e == nil {
			continue
		}
		fact := "changing " + r.change() + " rewrites " + e.Name.String()
		harm := rule.Waiting(e) + " waits while each row is written anew, which takes as long as the table is big"
		severity := onward.Off
		if e.Unsure && mayBeFree(r.to) {
			fact = "changing " + r.change() + " may rewrite " + e.Name.String() + ": the old type is not known"
			harm = "unless both types are stored alike, " + harm
			severity = onward.Warning
		}
		p.Report(s, rule.Report{
			Fact: fact, Harm: harm, Severity: severity,
			Instead: "copy into a column of the new type while the old one stays in use" + timezone(&r) + ":\n" + r.replacement(),
		})
	}
}

// mayBeFree reports whether some common type can become this one without a
// rewrite, so that an old type that is not known decides.
func mayBeFree(to catalog.Type) bool {
	switch to.Name.Name {
	case "text", "varchar", "varbit", "numeric", "timestamp", "timestamptz", "time", "timetz", "interval", "inet", "citext", "oid":
		return to.Array == 0
	}
	return to.Name.Schema != "pg_catalog"
}

// timezone adds what makes a change between timestamp and timestamptz free.
func timezone(r *retyping) string {
	a, b := r.from.Name.Name, r.to.Name.Name
	if a == "timestamp" && b == "timestamptz" || a == "timestamptz" && b == "timestamp" {
		return " (in a session with TimeZone UTC only the indexes on the column are rebuilt; that the values are UTC must be true)"
	}
	return ""
}
