// Package function holds the rules about functions and procedures.
package function

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// called reports whether queries call the function: trigger functions are
// called by the server.
func called(f *catalog.Function) bool {
	return f.Returns.Name.Name != "trigger" && f.Returns.Name.Name != "event_trigger"
}

// taken is what is known of the use of a function that a statement takes away or renames:
// by the deployed code, and by the functions that stand at commit.
func taken(p *rule.Pass, s *rule.Stmt, name catalog.Name) analysis.Usage {
	u := p.Code.UsesName(name)
	u.Functions = p.Bodies(s.Tx).Calling(name, s.Migration.Txs[len(s.Migration.Txs)-1].After)
	return u
}

// severity of taking a function away: an error only when the deployed code
// names it, or another function that something calls.
func severity(u analysis.Usage) onward.Severity {
	switch {
	case u.Used:
		return onward.Error
	case len(u.Functions) > 0:
		return u.Least()
	case u.Idle():
		return onward.Info
	}
	return onward.Warning
}

// sameType reports whether an argument of the one type is one of the other.
func sameType(a, b catalog.Type) bool {
	return a.Name == b.Name && (a.Array > 0) == (b.Array > 0)
}

// takes reports whether a function can be called with the arguments of
// another one.
func takes(f *catalog.Function, args []catalog.Type) bool {
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

// returns is what a function returns, for messages.
func returns(f *catalog.Function) string {
	t := f.Returns.String()
	if t == "" {
		t = "something else"
	}
	if f.ReturnsSet {
		t = "a set of " + t
	}
	return t
}
