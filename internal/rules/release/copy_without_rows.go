package release

import (
	"cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CopyWithoutRows flags COPY … FROM STDIN if nobody sends the rows.
//
// The rows come from the client, in separate messages. psql sends the lines after the
// statement as rows. A driver that gets a text sends all of it as SQL: the server finds a
// syntax error at the first row. If there is no row, it waits for rows that the driver
// never sends (pgx waits with it, for ever).
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
var CopyWithoutRows = &rule.Rule{
	ID:       "release-copy-without-rows",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "COPY … FROM STDIN asks for rows that the migration tool does not send",
	Harm: "The rows of COPY … FROM STDIN come from the client. Few migration tools send the following lines as rows, as psql does. " +
		"The others send them as SQL, which is a syntax error. Without such lines their driver ends the session, or waits for ever with the transaction's locks.",
	Instead:   "Write the rows as INSERT … VALUES.",
	Manual:    []string{"https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY"},
	Kinds:     rule.Another,
	Statement: checkCopyWithoutRows,
}

func checkCopyWithoutRows(p *rule.Pass, s *rule.Stmt) {
	c := s.Node.GetCopyStmt()
	if !c.GetIsFrom() || c.GetFilename() != "" {
		return
	}
	r := rule.Report{
		Fact: "COPY … FROM STDIN asks for rows, and " + cmp.Or(s.Migration.Runner.Name, "the runner") + " sends none",
		Harm: "the following lines are sent as SQL, which is a syntax error; without any, the driver ends the session or waits for ever, " +
			"with the locks of the transaction",
		Instead: "write the rows as INSERT INTO " + analysis.QuoteTable(catalog.Name{
			Schema: c.GetRelation().GetSchemaname(),
			Name:   c.GetRelation().GetRelname(),
		}) + " … VALUES",
	}
	switch src := &s.Migration.Script.Source; {
	case s.Parent >= 0:
		r.Fact = "COPY … FROM STDIN is in a function or a DO block, and the server refuses it there"
		r.Harm = "the migration stops here, and with it the deploy"
	case src.Psql || src.Rows:
		return
	}
	p.Report(s, r)
}
