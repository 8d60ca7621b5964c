package view

import (
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// DescribeTransaction says how a migration is sent: "one transaction", "not in a transaction", "one message, an implicit transaction".
func DescribeTransaction(m *onward.Migration) string {
	switch m.Transaction {
	case onward.TransactionFile:
		return describeRunnerTransaction(m)
	case onward.TransactionMessage:
		return "one message, an implicit transaction"
	case onward.TransactionPipeline:
		return "one pipeline, an implicit transaction"
	case onward.TransactionNone:
		return describeOwnTransaction(m)
	}
	return escape.Line(string(m.Transaction))
}

// describeRunnerTransaction says whether a COMMIT, perhaps in an earlier file, has ended the transaction of the runner.
func describeRunnerTransaction(m *onward.Migration) string {
	outside := 0
	for i := range m.Statements {
		if m.Statements[i].Transaction == 0 {
			outside++
		}
	}
	switch {
	case outside == 0:
		return "one transaction"
	case outside == len(m.Statements):
		return "not in a transaction, after a COMMIT"
	}
	return "in part in a transaction"
}

// describeOwnTransaction says whether a file that is sent without a transaction has a BEGIN of its own.
func describeOwnTransaction(m *onward.Migration) string {
	inside := 0
	for i := range m.Statements {
		if m.Statements[i].Transaction > 0 {
			inside++
		}
	}
	switch {
	case inside == 0:
		return "not in a transaction"
	case inside == len(m.Statements) && m.Statements[0].Transaction == m.Statements[inside-1].Transaction:
		return "one transaction of its own"
	case inside == len(m.Statements):
		return "transactions of its own"
	}
	return "in part in a transaction of its own"
}
