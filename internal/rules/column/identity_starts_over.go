package column

import (
	"regexp"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IdentityStartsOver flags a column with numbers whose new identity begins at
// 1. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-GENERATED-IDENTITY
var IdentityStartsOver = &rule.Rule{
	ID:       "column-identity-starts-over",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "the identity that takes the place of a sequence begins at 1 again",
	Harm:     "ADD GENERATED … AS IDENTITY makes a sequence of its own, which knows nothing of the numbers that the rows have. INSERTs that leave the column out get 1, 2, 3, … and fail on the primary key until they have passed the highest number.",
	Instead:  "Set the new sequence behind the highest number in the same transaction, or give it START WITH.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-GENERATED-IDENTITY",
		"https://www.postgresql.org/docs/current/functions-sequence.html",
	},
	Kinds:     rule.AlterTable,
	Statement: identityStartsOver,
}

func identityStartsOver(p *rule.Pass, s *rule.Stmt) {
	commands := p.Commands(s)
	for i := range commands {
		c := &commands[i]
		if c.Subtype != pgparse.AlterTableType_AT_AddIdentity || !p.InUse(s.Altered()) || starts(c.Def.GetConstraint().GetOptions()) {
			continue
		}
		deployed := p.Release.Deployed.Relation(s.Altered().OID)
		if deployed == nil || continued(s) {
			continue
		}
		old := deployed.Column(c.Name)
		if old == nil || !numbered(old) {
			continue
		}
		r := rule.Report{
			Fact: "the identity of column " + c.Name + " of " + s.Altered().Name.String() + " begins at 1, and rows are numbered already",
			Harm: "INSERTs that leave " + c.Name + " out get numbers that are taken",
			Instead: "set it behind the highest number, in the same transaction:\nSELECT setval(pg_get_serial_sequence('" + rule.Table(s.Altered().Name) + "', '" + c.Name +
				"'), (SELECT max(" + rule.Ident(c.Name) + ") FROM " + rule.Table(s.Altered().Name) + "));",
			Severity: onward.Warning,
		}
		if s.Before.UniqueAlone(s.Altered(), old.Attnum) {
			r.Harm += " and fail: duplicate key value violates unique constraint"
			r.Severity = onward.Off
		}
		p.Report(s, r)
	}
}

// starts reports whether the options of a sequence say where it begins.
func starts(options []*pgparse.Node) bool {
	for _, o := range options {
		if name := o.GetDefElem().GetDefname(); name == "start" || name == "restart" || name == "minvalue" {
			return true
		}
	}
	return false
}

var sets = regexp.MustCompile(`(?i)\bsetval\s*\(|\brestart\b`)

// continued reports whether a later statement of the migration sets a sequence,
// or may do so.
func continued(s *rule.Stmt) bool {
	for _, x := range s.Migration.Statements[s.Index+1:] {
		if x.Node == nil || x.Opaque != "" || sets.MatchString(x.SQL) {
			return true
		}
	}
	return false
}
