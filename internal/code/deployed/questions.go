package deployed

import (
	"github.com/onward-sql/onward/internal/analysis"
)

// question is a rule's question about the code that uses a database.
type question struct {
	analysis.Question
	database int
}

// AnswerFor returns the function that answers questions about a database.
func (u *Code) AnswerFor(database int) AnswerFunc {
	return func(q analysis.Question) analysis.Usage { return u.answerQuestion(question{q, database}) }
}

// answerQuestion returns the uses of an object in the code and the recordings. It answers each question once.
func (u *Code) answerQuestion(q question) analysis.Usage {
	known, ok := u.cache[q]
	if !ok {
		known = u.askCode(q)
		u.addRecordings(q, &known)
		u.cache[q] = known
	}
	return known
}

func (u *Code) askCode(q question) analysis.Usage {
	switch q.Kind {
	case analysis.AskAllColumns:
		if !u.hasTypedRows(q) {
			return analysis.Usage{}
		}
		return u.findAllColumnsUses(q)
	case analysis.AskLabel:
		return u.findEnumLabel(q)
	case analysis.AskValue:
		return u.findKnownValues(q)
	case analysis.AskSetting:
		return u.findSetting(q)
	case analysis.AskUpsert:
		return u.findUpsertOn(q)
	case analysis.AskUpserts:
		return u.findUpserts(q)
	case analysis.AskNull:
		return u.findNullFailures(q)
	case analysis.AskAdded:
		return u.findAddedUses(q)
	case analysis.AskSoftDelete:
		return u.findSoftDelete(q)
	case analysis.AskAmbiguous:
		return u.findAmbiguousNames(q)
	case analysis.AskObject, analysis.AskBoundValue:
		return u.findBoundUses(q)
	case analysis.AskCompared:
		return u.findRowComparisons(q)
	}
	if known, ok := u.answerFromModels(q); ok && q.Object == analysis.AnyObject && (known.Used || q.Kind != analysis.AskName) {
		if known.Used {
			if q.Column == "" {
				u.lowerModelUses(q, &known)
			}
			return known
		}
		if raw := u.answerFromSQL(q); raw.Used {
			return raw
		}
		return known
	}
	out := u.searchCode(q)
	if q.Kind != analysis.AskName {
		u.searchNames(q, &out)
	}
	return out
}

// AnswerFunc answers questions about the deployed code.
type AnswerFunc = func(analysis.Question) analysis.Usage
