package analysis

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

// StillUsedClause returns the end of a finding's fact if something still needs the dropped object:
// " while the deployed code still uses it".
func (u Usage) StillUsedClause(object string) string {
	switch {
	case u.Loaded:
		return " while the deployed code still loads " + object
	case u.Used:
		return " while the deployed code still uses " + object
	case len(u.Functions) > 0 && u.Functions[0].severityOf() == onward.Error:
		return " while " + u.Functions[0].describeFunction() + " still names " + object
	}
	return ""
}

// FixFunctionsFirst returns the fix for functions, followed by the fix for code. The latter is
// omitted if only functions need the object.
func (u Usage) FixFunctionsFirst(code string) string {
	if len(u.Functions) == 0 {
		return code
	}
	f := &u.Functions[0]
	out := "first make " + f.Signature() + " do without it (CREATE OR REPLACE FUNCTION)"
	if f.Row != nil {
		out += ", or drop " + f.By
	}
	out += ", in this migration or an earlier one"
	if u.IsUsedByFunctionsOnly() {
		return out
	}
	return out + "; " + code
}

// FixBeforeDrop returns the fix for dropping an object. It is FixFunctionsFirst; if no use is found in the
// deployed code, it only asks to look elsewhere.
func (u Usage) FixBeforeDrop(object string) string {
	switch {
	case len(u.Ignores) > 0:
		remove := "let the code ignore "
		if !u.Loaded {
			remove = "take " + object + " out of the code, let the model ignore "
		}
		return u.FixFunctionsFirst(remove + object + " in this release (" + strings.Join(u.Ignores, ", ") + "), and drop " + object +
			" in the next one, when no old code runs any more")
	case !u.Known || u.Used:
		return u.FixFunctionsFirst("remove " + object + " from the code in this release, and drop " + object + " in the next one, when no old code runs any more")
	case u.Sure:
		return u.FixFunctionsFirst("see that no SQL outside the models names " + object)
	}
	return u.FixFunctionsFirst("see that no other program, and no SQL that is put together at run time, names " + object)
}

// FixBeforeRename is FixFunctionsFirst for a renamed object.
func (u Usage) FixBeforeRename(to, code string) string {
	if len(u.Functions) == 0 {
		return code
	}
	out := "give " + u.Functions[0].Signature() + " the name " + to + " (CREATE OR REPLACE FUNCTION) in the same transaction"
	if u.IsUsedByFunctionsOnly() {
		return out
	}
	return out + "; " + code
}

// IsUsedByFunctionsOnly reports whether functions name the object, but code does not.
func (u Usage) IsUsedByFunctionsOnly() bool { return len(u.Functions) > 0 && u.Known && !u.Used }

// AllEvidence returns the evidence: places in code, then in functions.
func (u Usage) AllEvidence() []onward.Evidence {
	out := u.Evidence
	for i := range u.Functions {
		if i == maxEvidence {
			break
		}
		out = append(out[:len(out):len(out)], u.Functions[i].Evidence())
	}
	return out
}
