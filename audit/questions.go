package audit

import (
	"github.com/onward-sql/onward/internal/analysis"
)

// question is what a rule asks of the code that works on a database.
type question struct {
	analysis.Question
	database int
}

// of answers the questions about a database.
func (u *deployedCode) of(database int) usesFunc {
	return func(q analysis.Question) analysis.Usage { return u.answer(question{q, database}) }
}

// answer gives what is known.
func (u *deployedCode) answer(q question) analysis.Usage {
	known, ok := u.cache[q]
	if !ok {
		known = u.ask(q)
		u.observe(q, &known)
		u.cache[q] = known
	}
	return known
}

func (u *deployedCode) ask(q question) analysis.Usage {
	switch q.Kind {
	case analysis.AskStar:
		if !u.mayReadAll(q) {
			return analysis.Usage{}
		}
		return u.readingAll(q)
	case analysis.AskLabel:
		return u.labelled(q)
	case analysis.AskValue:
		return u.knowing(q)
	case analysis.AskSetting:
		return u.sets(q)
	case analysis.AskUpsert:
		return u.upserting(q)
	case analysis.AskUpserts:
		return u.upserts(q)
	case analysis.AskCompared:
		return u.comparing(q)
	}
	if known, ok := u.model(q); ok && (known.Used || q.Kind != analysis.AskName) {
		if known.Used {
			return known
		}
		if raw := u.rawSQL(q); raw.Used {
			return raw
		}
		return known
	}
	out := u.inCode(q)
	if q.Kind != analysis.AskName {
		u.searchNames(q, &out)
	}
	return out
}
