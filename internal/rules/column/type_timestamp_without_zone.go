package column

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeTimestampWithoutZone flags new columns of type timestamp.
// https://www.postgresql.org/docs/current/datatype-datetime.html
var TypeTimestampWithoutZone = &rule.Rule{
	ID:       "column-type-timestamp-without-zone",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.DesignSet,
	Summary:  "a column is of type timestamp, which is no point in time",
	Harm: "timestamp stores a clock's reading without its zone. now() is converted to the session's time zone when it is stored, " +
		"two sessions with different zones write different readings for one moment, and comparisons across them are wrong by hours.",
	Instead: "Use timestamptz: it takes the same eight bytes and stores the moment.",
	Manual:  []string{"https://www.postgresql.org/docs/current/datatype-datetime.html"},
	Commit:  checkTimestampWithoutZone,
}

func checkTimestampWithoutZone(p *rule.Pass, t *rule.Tx) {
	for _, c := range listTypedColumns(t) {
		if !c.isOfType("timestamp") {
			continue
		}
		p.Report(c.by, rule.Report{
			Fact:    c.describeType() + ", without a time zone",
			Harm:    "the same reading means another moment to a session with another TimeZone",
			Instead: "store the moment:\n" + pgparse.QuoteIdent(c.column.Name) + " timestamptz",
		})
	}
}
