package apply

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// errorClass is the class of an error of an attempt.
type errorClass int

const (
	none           errorClass = iota
	final                     // not a known class: the step fails
	retryLock                 // a lost lock race: try again
	connectionLost            // the connection is lost: check the ledger, then try again
	timedOut                  // the server cancelled the statement without a request of this process: a timeout, or somebody else's cancel
	badRow                    // caused by the data of a row: a value, a constraint, or an exception of a trigger
)

// errorClasses classifies SQLSTATEs by their prefix.
var errorClasses = []struct {
	code  string
	class errorClass
}{
	{"55P03", retryLock}, {"40P01", retryLock}, {"40001", retryLock},
	{"57014", timedOut},
	{
		"57P01", connectionLost,
	}, {
		"57P02", connectionLost,
	}, {"57P03", connectionLost}, {"57P05", connectionLost}, {"25P03", connectionLost}, {"25P04", connectionLost}, {"08", connectionLost},
	{"22", badRow}, {"23", badRow}, {"44", badRow}, {"P0", badRow},
}

// classifyError classifies an error. A statement that onward cancelled itself counts as a lost lock race. An error without a server message is a
// connection error.
func classifyError(err error) errorClass {
	if err == nil {
		return none
	}
	refused, mine := new(pgconn.PgError), new(cancelledError)
	if !errors.As(err, &refused) {
		return connectionLost
	}
	for _, m := range errorClasses {
		if !strings.HasPrefix(refused.Code, m.code) {
			continue
		}
		if m.class == timedOut && errors.As(err, &mine) {
			return retryLock
		}
		return m.class
	}
	return final
}
