package audit

import "github.com/onward-sql/onward/internal/rule"

// question is what a rule asks of the code that works on a database.
type question struct {
	rule.Question
	database int
}

// of answers the questions about a database.
func (u *deployedCode) of(database int) usesFunc {
	return func(q rule.Question) rule.Usage { return u.answer(question{q, database}) }
}

// answer gives what is known.
func (u *deployedCode) answer(q question) rule.Usage {
	known, ok := u.cache[q]
	if !ok {
		known = u.ask(q)
		u.cache[q] = known
	}
	return known
}

func (u *deployedCode) ask(q question) rule.Usage {
	switch q.Kind {
	case rule.AskStar:
		if !u.mayReadAll(q) {
			return rule.Usage{}
		}
		return u.readingAll(q)
	case rule.AskValue:
		return u.knowing(q)
	case rule.AskSetting:
		return u.sets(q)
	case rule.AskUpsert:
		return u.upserting(q)
	case rule.AskUpserts:
		return u.upserts()
	case rule.AskCompared:
		return u.comparing(q)
	}
	if known, ok := u.model(q); ok && (known.Used || q.Kind != rule.AskName) {
		if known.Used {
			return known
		}
		if raw := u.rawSQL(q); raw.Used {
			return raw
		}
		return known
	}
	return u.inCode(q)
}
