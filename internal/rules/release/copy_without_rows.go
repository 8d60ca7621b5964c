package release

import (
	"cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CopyWithoutRows flags COPY … FROM STDIN where nobody sends the rows.
//
// The rows come from the client, in messages of their own. psql takes the lines behind
// the statement for them. A driver that is given a text sends all of it as SQL: the
// server finds a syntax error at the first row, and where there is no row it waits for
// what the driver never sends (pgx waits with it, for ever).
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
var CopyWithoutRows = &rule.Rule{
	ID:        "release-copy-without-rows",
	Category:  onward.ReleaseOrder,
	Severity:  onward.Error,
	Preset:    onward.Recommended,
	Summary:   "COPY … FROM STDIN asks for rows that the migration tool does not send",
	Harm:      "The rows of COPY … FROM STDIN come from the client. Few migration tools send the lines behind it as rows, as psql does; the others send them as SQL, which is a syntax error, or none, and then their driver ends the session, or waits for ever with the locks of the transaction.",
	Instead:   "Write the rows as INSERT … VALUES.",
	Manual:    []string{"https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY"},
	Kinds:     rule.Another,
	Statement: copyWithoutRows,
}

func copyWithoutRows(p *rule.Pass, s *rule.Stmt) {
	c := s.Node.GetCopyStmt()
	if !c.GetIsFrom() || c.GetFilename() != "" {
		return
	}
	r := rule.Report{
		Fact:    "COPY … FROM STDIN asks for rows, and " + cmp.Or(s.Migration.Runner.Name, "the runner") + " sends none",
		Harm:    "the lines behind it are sent as SQL, which is a syntax error; where there are none, the driver ends the session or waits for ever, with the locks of the transaction",
		Instead: "write the rows as INSERT INTO " + analysis.Table(catalog.Name{Schema: c.GetRelation().GetSchemaname(), Name: c.GetRelation().GetRelname()}) + " … VALUES",
	}
	switch src := &s.Migration.Script.Source; {
	case s.Parent >= 0:
		r.Fact = "COPY … FROM STDIN stands in a function or a DO block, where the server refuses it"
		r.Harm = "the migration stops here, and with it the deploy"
	case src.Psql || src.Rows:
		return
	}
	p.Report(s, r)
}
