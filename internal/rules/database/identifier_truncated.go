package database

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IdentifierTruncated mentions names that the server cuts, and flags those that mean
// something else then.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
var IdentifierTruncated = &rule.Rule{
	ID:       "identifier-truncated",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a name of more than 63 bytes is cut, and may be the name of something else then",
	Harm: "The server cuts the name with a NOTICE that no deploy log shows. Tools and code that look for the full name in the catalog or in errors do not " +
		"find it. A second long name with the same beginning is the same name: IF NOT EXISTS then skips what was to be made, and a plain statement fails.",
	Instead:   "Give it a name of at most 63 bytes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"},
	Statement: checkTruncated,
}

// limit is how many bytes of a name the server keeps.
const limit = 63

func checkTruncated(p *rule.Pass, s *rule.Stmt) {
	if len(s.SQL) <= limit || s.Tx.RolledBack {
		return
	}
	for _, name := range listLongNames(s.SQL) {
		cut := truncateIdentifier(name)
		r := rule.Report{
			Fact:    "the name " + name + " is cut to " + cut,
			Harm:    "what looks for the full name, in the catalog or in an error, does not find it",
			Instead: "give it a name of at most 63 bytes",
		}
		switch {
		case isCreationSkipped(s, cut):
			r.Harm = "something is called " + cut + " already, so that IF NOT EXISTS skips the statement: nothing is made"
		case createsName(s, cut):
			r.Severity = onward.Info
		default:
			continue
		}
		p.Report(s, r)
		return
	}
}

// createsName reports whether the statement gives the name to something.
func createsName(s *rule.Stmt, name string) bool {
	for i := range s.Deltas {
		d := &s.Deltas[i]
		switch {
		case d.Kind == catalog.RelationCreated && (d.After.Name.Name == name || d.After.Column(name) != nil || d.After.Constraint(name) != nil),
			d.Kind == catalog.RelationRenamed && d.After.Name.Name == name,
			d.NewIndex != nil && d.NewIndex.Name.Name == name,
			(d.Kind == catalog.ColumnAdded || d.Kind == catalog.ColumnRenamed) && d.New.Name == name,
			d.NewConstraint != nil && d.NewConstraint.Name == name,
			d.NewTrigger != nil && d.NewTrigger.Name == name,
			d.NewFunction != nil && d.NewFunction.Name.Name == name,
			d.NewType != nil && d.NewType.Name.Name == name,
			d.NewObject != nil && d.NewObject.Name.Name == name:
			return true
		}
	}
	return false
}

// isCreationSkipped reports whether IF NOT EXISTS finds something of the name.
func isCreationSkipped(s *rule.Stmt, name string) bool {
	if !s.Node.GetIndexStmt().GetIfNotExists() && !s.Node.GetCreateStmt().GetIfNotExists() {
		return false
	}
	rv := s.Node.GetCreateStmt().GetRelation()
	writtenName := s.Node.GetIndexStmt().GetIdxname()
	if rv != nil {
		writtenName = rv.GetRelname()
	}
	return len(writtenName) >= limit && truncateIdentifier(writtenName+" ") == name && len(s.Deltas) == 0 && s.Before.Lookup("", name) != nil
}

// mayHoldTooLongName reports whether a text has so many bytes without white space and
// commas in a row, or between two double quotes, that a name in it can be too
// long: most statements need no closer look.
func mayHoldTooLongName(sql string) bool {
	for rest, quoteAt := sql, strings.IndexByte(sql, '"'); quoteAt >= 0; {
		rest = rest[quoteAt+1:]
		if quoteAt = strings.IndexByte(rest, '"'); quoteAt > limit || quoteAt == 0 { // "" is a quote in a name
			return true
		}
	}
	// Search from the possible end of a run back to its beginning.
	for end := limit; end < len(sql); {
		i := end
		for i >= end-limit && !isSeparator(sql[i]) {
			i--
		}
		if i < end-limit {
			return true
		}
		end = i + 1 + limit
	}
	return false
}

// isSeparator reports whether a byte separates names.
func isSeparator(c byte) bool {
	switch c {
	case ' ', '\n', '\t', '\r', ',', '(', ')', ';':
		return true
	}
	return false
}
