package escape

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

var shellSafe = lazyregexp.New(`^[A-Za-z0-9_./:=,@%+-]+$`)

// QuoteShell returns a word for a POSIX shell, with control characters escaped, and quoted if necessary.
func QuoteShell(s string) string {
	s = Line(s)
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
