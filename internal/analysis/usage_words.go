package analysis

import "github.com/onward-sql/onward/onward"

// While ends the fact of what is taken away though something needs it: " while
// the deployed code still uses it".
func (u Usage) While(it string) string {
	switch {
	case u.Used:
		return " while the deployed code still uses " + it
	case len(u.Functions) > 0 && u.Functions[0].severity() == onward.Error:
		return " while " + u.Functions[0].what() + " still names " + it
	}
	return ""
}

// First puts the way out for functions before that for code, which is left out
// when only functions need the thing.
func (u Usage) First(code string) string {
	if len(u.Functions) == 0 {
		return code
	}
	f := &u.Functions[0]
	out := "first make " + f.Signature() + " do without it (CREATE OR REPLACE FUNCTION)"
	if f.Row != nil {
		out += ", or drop " + f.By
	}
	out += ", in this migration or an earlier one"
	if u.ByFunctions() {
		return out
	}
	return out + "; " + code
}

// Remove is the way out for what goes away: it is First, and where the deployed
// code is seen to do without it, there is but to look elsewhere.
func (u Usage) Remove(it string) string {
	switch {
	case !u.Known || u.Used:
		return u.First("remove " + it + " from the code in this release, and drop " + it + " in the next one, when no old code runs any more")
	case u.Sure:
		return u.First("see that no SQL outside the models names " + it)
	}
	return u.First("see that no other program, and no SQL that is put together at run time, names " + it)
}

// Renamed is First for what goes by another name.
func (u Usage) Renamed(to, code string) string {
	if len(u.Functions) == 0 {
		return code
	}
	out := "give " + u.Functions[0].Signature() + " the name " + to + " (CREATE OR REPLACE FUNCTION) in the same transaction"
	if u.ByFunctions() {
		return out
	}
	return out + "; " + code
}

// ByFunctions reports whether functions name the thing, and code does not.
func (u Usage) ByFunctions() bool { return len(u.Functions) > 0 && u.Known && !u.Used }

// Seen is the evidence: places in code, then in functions.
func (u Usage) Seen() []onward.Evidence {
	out := u.Evidence
	for i := range u.Functions {
		if i == maxEvidence {
			break
		}
		out = append(out[:len(out):len(out)], u.Functions[i].Evidence())
	}
	return out
}
