package view

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A file that nothing is put around may have a transaction of its own.
func TestTransactionWords(t *testing.T) {
	t.Parallel()
	for mode, cases := range map[onward.Transaction]map[string][]int{
		onward.TransactionNone: {
			"not in a transaction":                {0, 0},
			"one transaction of its own":          {1, 1, 1},
			"transactions of its own":             {1, 1, 2},
			"in part in a transaction of its own": {0, 1, 1},
		},
		// A COMMIT in the file, or in an earlier one of the same run, ends the transaction of the runner.
		onward.TransactionFile: {
			"one transaction":                      {1, 1},
			"in part in a transaction":             {1, 1, 0},
			"not in a transaction, after a COMMIT": {0, 0},
		},
	} {
		for want, numbers := range cases {
			m := &onward.Migration{Transaction: mode}
			for _, n := range numbers {
				m.Statements = append(m.Statements, onward.Statement{Transaction: n})
			}
			if got := DescribeTransaction(m); got != want {
				t.Errorf("DescribeTransaction of statements in transactions %v = %q, want %q", numbers, got, want)
			}
		}
	}
}
