package adapter

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Program is what a migration that is a program contains.
type Program struct {
	// Name is its file's name without the ending, and Plan is the plan. Comment describes it in one line.
	Name, Comment string
	Plan          *onward.Plan
	// Alone is set if its statements must run without a transaction.
	Alone bool
	// Up are its statements. Down are those that undo them; nil if none do.
	Up, Down []string
}

// newProgram returns the content of a step's migration. A contract step has no undo: the deployed code is gone.
func newProgram(p *onward.Plan, s *onward.PlanStep, name string) *Program {
	out := &Program{
		Name: name, Plan: p, Comment: fmt.Sprintf("%s: %s.", NameStep(p, s), strings.Join(strings.Fields(s.Why), " ")),
		Alone: s.Transaction == onward.TransactionNone,
		Up:    SplitStatements(DropInvalidIndex(s) + TransactionBody(s)),
	}
	if undo := UndoSQL(s); undo != "" && s.Phase != onward.Contract {
		out.Down = SplitStatements(undo)
	}
	return out
}

// NameStep returns a step's name for a comment. The files of a finding are of a plan without a name.
func NameStep(p *onward.Plan, s *onward.PlanStep) string {
	if p.Name == "" {
		return s.ID
	}
	return s.ID + " of the plan " + p.Name
}

// ClassName returns a name in camel case for the class of a program, from its file's name without the number.
func (p *Program) ClassName() string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(p.Slug(), func(c rune) bool { return c == '_' || c == '-' || c == '.' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// Slug returns the file's name without the number.
func (p *Program) Slug() string { return strings.TrimLeft(p.Name[len(p.Number()):], "-_.") }

// Number returns the number at the beginning of the file's name.
func (p *Program) Number() string {
	return p.Name[:len(p.Name)-len(strings.TrimLeft(p.Name, "0123456789"))]
}

// Irreversible says that a program cannot be undone.
const Irreversible = "a plan goes only forward: nothing undoes this step"
