package size

import "fmt"

// Signs are a repository's clues about the size of a table into which no deployed code inserts.
type Signs struct {
	// Most is how many rows a constraint lets the table hold; 0 if none limits them.
	Most int
	// Seeds is how many rows the deployed migrations insert one by one; 0 if none, or if they insert other
	// rows too.
	Seeds int
	// Script is a script of seeds that may insert rows, too; "" for none.
	Script string
	// Whole is a place in the code that reads all rows at once; "" for none.
	Whole string
	// Key is the table's key column if it holds a name or a code; "" if not.
	Key string
}

// GuessReason returns why a table is probably small; "" if the signs do not suffice.
func (s Signs) GuessReason() string {
	switch {
	case s.Most == 1:
		return "a constraint lets it hold one row"
	case s.Most > 0:
		return fmt.Sprintf("a constraint lets it hold %d rows", s.Most)
	case s.Seeds > 0 && s.Script != "":
		return "only migrations and " + s.Script + " fill it"
	case s.Seeds == 1:
		return "only migrations fill it, with one row"
	case s.Seeds > 0:
		return fmt.Sprintf("only migrations fill it, with %d rows", s.Seeds)
	case s.Whole != "" && s.Key != "":
		return fmt.Sprintf("its key is %s, no code inserts into it, and %s reads all rows at once", s.Key, s.Whole)
	}
	return ""
}
