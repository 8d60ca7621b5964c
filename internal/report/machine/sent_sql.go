package machine

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// WriteSent prints the statements of a report's new migrations as SQL that a reader can follow: each migration with its
// file, and BEGIN and COMMIT around the statements of a transaction.
func WriteSent(w io.Writer, r *onward.Report) error {
	var b strings.Builder
	for _, m := range r.Migrations {
		if m.Status == onward.StatusDeleted || m.Status == onward.StatusReplaced {
			continue
		}
		fmt.Fprintf(&b, "-- %s (%s)\n", escape.Line(m.ID), escape.Line(m.Path))
		open := 0
		for _, s := range m.Statements {
			if s.Transaction != open {
				b.WriteString(transactionEnd(open))
				if s.Transaction != 0 {
					b.WriteString("BEGIN;\n")
				}
				open = s.Transaction
			}
			b.WriteString(escape.Controls(strings.TrimRight(s.SQL, "; \n")) + ";\n")
		}
		b.WriteString(transactionEnd(open))
		if len(m.Statements) == 0 {
			b.WriteString("-- nothing was sent\n")
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		b.WriteString("-- the head sends nothing that the base did not send\n\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// transactionEnd returns what ends a transaction; "" if none is open.
func transactionEnd(number int) string {
	if number == 0 {
		return ""
	}
	return "COMMIT;\n"
}
