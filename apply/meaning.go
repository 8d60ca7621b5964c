package apply

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// kind is what an error of an attempt means.
type kind int

const (
	none  kind = iota
	final      // nothing that is known here
	lost       // somebody was faster, or was let go first: again
	cut        // the line is gone: ask the ledger, then again
	ended      // the server ended the statement, and not because this process asked it to: its time was over, or somebody else asked
	ofRow      // it comes from what is in a row: of its values, of a constraint, or raised by a trigger
)

// meanings tells what SQLSTATEs mean that begin so.
var meanings = []struct {
	code string
	is   kind
}{
	{"55P03", lost}, {"40P01", lost}, {"40001", lost},
	{"57014", ended},
	{"57P01", cut}, {"57P02", cut}, {"57P03", cut}, {"57P05", cut}, {"25P03", cut}, {"25P04", cut}, {"08", cut},
	{"22", ofRow}, {"23", ofRow}, {"44", ofRow}, {"P0", ofRow},
}

// means tells what an error means. What this process had ended itself for the sake of others is lost; what no server said is of the line.
func means(err error) kind {
	if err == nil {
		return none
	}
	refused, mine := new(pgconn.PgError), new(cancelledError)
	if !errors.As(err, &refused) {
		return cut
	}
	for _, m := range meanings {
		if !strings.HasPrefix(refused.Code, m.code) {
			continue
		}
		if m.is == ended && errors.As(err, &mine) {
			return lost
		}
		return m.is
	}
	return final
}
