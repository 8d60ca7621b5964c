package view

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A file that nothing is put around may have a transaction of its own.
func TestTransactionWords(t *testing.T) {
	t.Parallel()
	for want, numbers := range map[string][]int{
		"not in a transaction":                {0, 0},
		"one transaction of its own":          {1, 1, 1},
		"transactions of its own":             {1, 1, 2},
		"in part in a transaction of its own": {0, 1, 1},
	} {
		m := &onward.Migration{Transaction: onward.TransactionNone}
		for _, n := range numbers {
			m.Statements = append(m.Statements, onward.Statement{Transaction: n})
		}
		if got := DescribeTransaction(m); got != want {
			t.Errorf("%v: %s", numbers, got)
		}
	}
}
