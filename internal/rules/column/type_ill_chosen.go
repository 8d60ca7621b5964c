package column

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeIllChosen flags new columns of types that the manual itself advises
// against. https://www.postgresql.org/docs/current/datatype.html
var TypeIllChosen = &rule.Rule{
	ID:       "column-type-ill-chosen",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.DesignSet,
	Summary:  "a column is of a type that has a better one beside it: money, char(n), timetz, json",
	Harm: "money takes its currency and its decimals from a setting of the server; char(n) pads with blanks and drops them again when it compares; " +
		"a time of day with a zone knows no date, so no summer time; json keeps the text, cannot be compared and is parsed at each read. " +
		"Changing the type later rewrites the table.",
	Instead: "Use numeric with a column for the currency, text, timestamptz, jsonb.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/datatype-money.html",
		"https://www.postgresql.org/docs/current/datatype-character.html",
		"https://www.postgresql.org/docs/current/datatype-json.html",
	},
	Commit: checkTypeIllChosen,
}

// better is what to use in the place of a type, and why.
var better = []struct{ typ, instead, why string }{
	{"money", "numeric(12, 2)", "its currency and decimals follow lc_monetary of the server"},
	{"bpchar", "text", "values are padded with blanks, which comparisons drop and length() does not see"},
	{"timetz", "timestamptz", "without a date a time zone has no summer time"},
	{"json", "jsonb", "it has no equality, no index, and is parsed at each read"},
}

func checkTypeIllChosen(p *rule.Pass, t *rule.Tx) {
	for _, c := range listTypedColumns(t) {
		for _, b := range better {
			if !c.isOfType(b.typ) {
				continue
			}
			p.Report(c.by, rule.Report{
				Fact:    c.describeType(),
				Harm:    b.why + "; changing the type later rewrites the table",
				Instead: "use another type:\n" + pgparse.QuoteIdent(c.column.Name) + " " + b.instead,
			})
		}
	}
}
