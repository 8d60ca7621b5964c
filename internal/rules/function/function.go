// Package function holds the rules about functions and procedures.
package function

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// isCalledByQueries reports whether queries call the function: trigger functions are
// called by the server.
func isCalledByQueries(f *catalog.Function) bool {
	return f.Returns.Name.Name != "trigger" && f.Returns.Name.Name != "event_trigger"
}

// usesOfTaken returns the known uses of a function that a statement drops or renames: by the
// deployed code, and by the functions that exist at commit.
func usesOfTaken(p *rule.Pass, s *rule.Stmt, name catalog.Name) analysis.Usage {
	u := p.Code.UsesName(name)
	u.Functions = p.FunctionBodies(s.Tx).FindCalling(name, s.Migration.Txs[len(s.Migration.Txs)-1].After)
	return u
}

// severityOfUse of taking a function away: an error only when the deployed code
// names it, or another function that something calls.
func severityOfUse(u analysis.Usage) onward.Severity {
	switch {
	case u.Used:
		return onward.Error
	case len(u.Functions) > 0:
		return u.FunctionSeverity()
	case u.IsIdle():
		return onward.Info
	}
	return onward.Warning
}

// sameType reports whether an argument of the one type is one of the other.
func sameType(a, b catalog.Type) bool {
	return a.Name == b.Name && (a.Array > 0) == (b.Array > 0)
}

// takesArguments reports whether a function can be called with the arguments of
// another one.
func takesArguments(f *catalog.Function, args []catalog.Type) bool {
	if len(args) > len(f.Args) || len(args) < len(f.Args)-f.Defaults {
		return false
	}
	for i, a := range args {
		if !sameType(a, f.Args[i]) {
			return false
		}
	}
	return true
}

// describeResult is what a function returns, for messages.
func describeResult(f *catalog.Function) string {
	t := f.Returns.String()
	if t == "" {
		t = "something else"
	}
	if f.ReturnsSet {
		t = "a set of " + t
	}
	return t
}
